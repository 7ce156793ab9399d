import { networkInterfaces } from 'node:os';
import type { GatewayConfig, ListenerConfig } from '../config/gateway-config.ts';
import { GatewayError } from '../errors.ts';
import type { ListenerPlan } from '../net/data-plane.ts';
import type { RelayAddressPlan } from '../net/relay-address-plan.ts';
import type { OwnAddressData } from '../route/own-addresses.ts';
import { IPV6, TransportAddress } from '../stun/transport-address.ts';
import { bindUdp } from './bind-udp.ts';

/** Addresses of this host without link-local ones, loopback first. */
export function hostAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all.filter(({ address, scopeid }) => !address.startsWith('169.254.') && !scopeid);
  return usable
    .toSorted((a, b) => Number(b.internal) - Number(a.internal))
    .map(({ address }) => address);
}

/** Plans the listeners that a data plane opens. */
export function planListeners(config: GatewayConfig, host: readonly string[]): ListenerPlan[] {
  return config.listeners.map((listener) => ({
    name: listener.name,
    // Where TLS ends in front of us, plain TCP arrives.
    protocol: listener.protocol === 'tls' && listener.tls === undefined ? 'tcp' : listener.protocol,
    alsoPlain: listener.alsoPlain,
    proxy: { mode: listener.proxyProtocol, trusted: listener.proxyTrusted },
    bind: listener.bind,
    port: listener.port,
    relayAddresses: planRelayAddresses(config, listener, host),
  }));
}

/** Lists every transport address of the gateway itself: none of them is a peer. */
export function ownAddresses(config: GatewayConfig, host: readonly string[]): OwnAddressData[] {
  const { minPort, maxPort, addresses } = config.relay;
  const listenerPorts = config.listeners.flatMap(({ port, publicPort }) => [
    port,
    publicPort ?? port,
  ]);
  const { apiEndpoint, healthcheckEndpoint, metricsEndpoint } = config.admin;
  const httpPorts = [config.ice?.endpoint, apiEndpoint, healthcheckEndpoint, metricsEndpoint]
    .filter((endpoint) => endpoint !== undefined)
    .map(({ port }) => port);
  const ports = [
    [minPort, maxPort] as const,
    ...[...listenerPorts, ...httpPorts].map((port) => [port, port] as const),
  ];
  // Some that are configured are not among those of the host: advertised ones, and all of 127.0.0.0/8 but the first.
  const configured = [
    ...addresses.flatMap(({ bind, advertise }) => [bind, advertise]),
    ...config.listeners.flatMap(({ bind, address, publicAddress }) => [
      bind,
      address,
      publicAddress,
    ]),
  ];
  const ips = new Set(
    [...host, ...configured].filter((ip) => ip !== undefined && TransportAddress.parse(ip)),
  );
  return [...ips].map((address) => ({ address: address as string, ports }));
}

/**
 * Tries to bind to every configured relay address.
 *
 * @throws GatewayError GW_ERR_RELAY_ADDRESS when this host does not have one.
 */
export async function checkRelayAddresses(listeners: readonly ListenerPlan[]): Promise<void> {
  const ips = new Set(
    listeners.flatMap(({ relayAddresses }) => relayAddresses.configured.map(({ bind }) => bind)),
  );
  await Promise.all([...ips].map(checkRelayAddress));
}

/** STUNner's `address` is what clients are told; it is bound to only where the host has it (else: 1:1 NAT). */
function planRelayAddresses(
  config: GatewayConfig,
  { address }: ListenerConfig,
  host: readonly string[],
): RelayAddressPlan {
  const { addresses } = config.relay;
  if (address === undefined) return { configured: addresses, host };
  const { family } = TransportAddress.parse(address)!;
  const wildcard = family === IPV6 ? '::' : '0.0.0.0';
  const isConfigured = addresses.some(
    ({ bind }) => TransportAddress.parse(bind)?.family === family,
  );
  const own = { bind: host.includes(address) ? address : wildcard, advertise: address };
  return { configured: isConfigured ? addresses : [...addresses, own], host };
}

async function checkRelayAddress(ip: string): Promise<void> {
  try {
    (await bindUdp(ip, 0)).close();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRNOTAVAIL' ? 'this machine does not have that address' : message;
    const detail = `cannot relay from ${ip}: ${reason}`;
    throw new GatewayError('GW_ERR_RELAY_ADDRESS', detail, { cause: error });
  }
}
