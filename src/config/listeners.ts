import { isHostName, isUnspecified, parseIp } from './addresses.ts';
import { LISTENER_PORT_DEFAULT } from './default-values.ts';
import { DISCOVER, isDiscover } from './discovery.ts';
import type { ListenerConfig, ListenerProtocol } from './gateway-config.ts';
import { normaliseListenerTls } from './listener-tls.ts';
import type { FileFacts, NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';
import { normaliseProxy } from './proxy.ts';
import { checkRoutes, checkUniqueNames } from './routes.ts';
import type { ListenerEntry } from './schema.ts';
import { usableEntries } from './validate.ts';

/** Value that STUNner's control plane replaces by an address of the node. */
const NODE_ADDRESS_PLACEHOLDER = '__node_address_placeholder';

/** Fills in the listeners and checks names, addresses, TLS and routes. */
export function normaliseListeners(
  entries: readonly ListenerEntry[] | undefined,
  facts: FileFacts,
  context: NormaliseContext,
): readonly ListenerConfig[] {
  checkUniqueNames(entries, 'listeners', context);
  return usableEntries(entries).map(([index, entry]) => {
    const path = ['listeners', index];
    const protocol = protocolOf(entry);
    warnOfRelayPorts(entry, path, context);
    return {
      name: entry.name,
      protocol,
      bind: bindOf(entry, path, context),
      port: entry.port ?? LISTENER_PORT_DEFAULT,
      address: relayedAddressOf(entry, path, context),
      publicAddress: publicAddressOf(entry, path, facts, context),
      publicPort: entry.public_port,
      routes: checkRoutes(entry.routes, facts.clusterNames, [...path, 'routes'], context),
      ...normaliseListenerTls(entry, protocol, path, facts, context),
      ...normaliseProxy(entry, protocol, path, context),
    };
  });
}

function protocolOf(entry: ListenerEntry): ListenerProtocol {
  const word = (entry.protocol || 'udp').toLowerCase().replace(/^turn-/, '');
  return word as ListenerProtocol;
}

function bindOf(
  entry: ListenerEntry,
  path: Path,
  { report }: NormaliseContext,
): string | undefined {
  if (!entry.bind) return undefined;
  const ip = parseIp(entry.bind);
  if (ip === undefined) report.problem([...path, 'bind'], 'must be an IP address such as 0.0.0.0');
  return ip;
}

function relayedAddressOf(
  entry: ListenerEntry,
  path: Path,
  context: NormaliseContext,
): string | undefined {
  const text = withoutPlaceholder(entry.address, [...path, 'address'], context);
  if (text === undefined) return undefined;
  const ip = text.toLowerCase() === 'localhost' ? '127.0.0.1' : parseIp(text);
  if (ip === undefined) {
    const message = 'must be an IP address; 0.0.0.0 or nothing lets the gateway choose';
    context.report.problem([...path, 'address'], message);
    return undefined;
  }
  return isUnspecified(ip) ? undefined : ip;
}

function publicAddressOf(
  entry: ListenerEntry,
  path: Path,
  facts: FileFacts,
  context: NormaliseContext,
): string | undefined {
  const textPath = [...path, 'public_address'];
  const text = withoutPlaceholder(entry.public_address, textPath, context);
  if (text === undefined) return undefined;
  if (isDiscover(text)) {
    const message = `needs an entry of relay.addresses with advertise: ${DISCOVER}`;
    if (!facts.isDiscovering) context.report.problem(textPath, message);
    return DISCOVER;
  }
  const host = parseIp(text) ?? (isHostName(text) ? text : undefined);
  if (host === undefined) context.report.problem(textPath, 'must be an IP address or a host name');
  return host;
}

function withoutPlaceholder(
  text: string | undefined,
  path: Path,
  { report }: NormaliseContext,
): string | undefined {
  if (text !== NODE_ADDRESS_PLACEHOLDER) return text || undefined;
  report.warning(path, 'is a placeholder of a Kubernetes control plane; the gateway chooses');
  return undefined;
}

function warnOfRelayPorts(entry: ListenerEntry, path: Path, { report }: NormaliseContext): void {
  for (const key of ['min_relay_port', 'max_relay_port'] as const) {
    if (entry[key] === undefined) continue;
    const instead = key === 'min_relay_port' ? 'relay.min_port' : 'relay.max_port';
    report.warning([...path, key], `is ignored, as STUNner does; use ${instead}`, 'key');
  }
}
