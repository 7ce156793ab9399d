import { NAT64_PREFIX_LENGTHS, RELAY_BIND_ATTEMPTS_MAX } from '../limits.ts';
import { isIpv6, isUnspecified, parseBlock, parseIp } from './addresses.ts';
import {
  RELAY_MAX_PORT_DEFAULT,
  RELAY_MIN_PORT_DEFAULT,
  STUN_PORT_DEFAULT,
  STUN_SERVERS_DEFAULT,
} from './default-values.ts';
import { DISCOVER, isDiscover, isDiscovering } from './discovery.ts';
import type { RelayConfig } from './gateway-config.ts';
import { formatHostPort, parseHostPort } from './host-ports.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { RelaySection } from './schema.ts';
import { usableEntries } from './validate.ts';

const ADVERTISE_FORM = `must be an IP address that clients can be told, or ${DISCOVER}`;

const NAT64_FORM = `must be an IPv6 prefix such as 2001:db8:64::/96, of ${NAT64_PREFIX_LENGTHS.join(', ')} bits`;

/** Fills in the `relay` section and checks its port range and addresses. */
export function normaliseRelay(relay: RelaySection, context: NormaliseContext): RelayConfig {
  const workers = typeof relay.workers === 'number' ? relay.workers : 'auto';
  const minPort = relay.min_port ?? RELAY_MIN_PORT_DEFAULT;
  const maxPort = relay.max_port ?? RELAY_MAX_PORT_DEFAULT;
  checkPortRange(minPort, maxPort, workers === 'auto' ? 1 : workers, context);
  return {
    minPort,
    maxPort,
    addresses: addressesOf(relay, context),
    stunServers: stunServersOf(relay, context),
    nat64Prefixes: nat64PrefixesOf(relay, context),
    workers,
  };
}

function checkPortRange(
  minPort: number,
  maxPort: number,
  workers: number,
  { report }: NormaliseContext,
): void {
  if (report.hasProblemAt(['relay'])) return;
  const needed = RELAY_BIND_ATTEMPTS_MAX * workers;
  const ports = maxPort - minPort + 1;
  if (ports < 1) {
    report.problem(['relay', 'max_port'], `must not be below relay.min_port, which is ${minPort}`);
  } else if (ports < needed) {
    const message = `leaves ${ports} relay ports; at least ${needed} are needed, ${RELAY_BIND_ATTEMPTS_MAX} per worker`;
    report.problem(['relay', 'max_port'], message);
  }
}

function addressesOf(relay: RelaySection, context: NormaliseContext): RelayConfig['addresses'] {
  const { report } = context;
  const families = new Set<string>();
  return usableEntries(relay.addresses).flatMap(([index, entry]) => {
    const path = ['relay', 'addresses', index];
    const bind = parseIp(entry.bind);
    if (bind === undefined) {
      report.problem([...path, 'bind'], 'must be an IP address of this machine');
      return [];
    }
    const family = isIpv6(bind) ? 'IPv6' : 'IPv4';
    if (families.has(family)) {
      report.problem(
        [...path, 'bind'],
        `names ${family} twice; accepted is one address per family`,
      );
    }
    families.add(family);
    if (isDiscover(entry.advertise)) return [{ bind, advertise: DISCOVER }];
    const advertise = parseIp(entry.advertise || bind);
    if (advertise === undefined || isUnspecified(advertise)) {
      report.problem([...path, 'advertise'], ADVERTISE_FORM);
      return [];
    }
    if (isIpv6(advertise) !== isIpv6(bind)) {
      report.problem([...path, 'advertise'], 'must be of the same address family as bind');
    }
    return [{ bind, advertise }];
  });
}

function nat64PrefixesOf(
  relay: RelaySection,
  { report }: NormaliseContext,
): RelayConfig['nat64Prefixes'] {
  return usableEntries(relay.nat64_prefixes).flatMap(([index, text]) => {
    const block = parseBlock(text);
    if (
      block !== undefined &&
      isIpv6(block.address) &&
      NAT64_PREFIX_LENGTHS.includes(block.prefixLength)
    ) {
      return [block];
    }
    report.problem(['relay', 'nat64_prefixes', index], NAT64_FORM);
    return [];
  });
}

function stunServersOf(relay: RelaySection, { report }: NormaliseContext): readonly string[] {
  const path = ['relay', 'stun_servers'];
  const isNeeded = isDiscovering(relay);
  if (relay.stun_servers === undefined) return isNeeded ? STUN_SERVERS_DEFAULT : [];
  const servers = usableEntries(relay.stun_servers).map(([index, text]) => {
    const server = parseHostPort(text, STUN_PORT_DEFAULT);
    if (server !== undefined) return formatHostPort(server);
    const form = 'stun.example.org:3478, 192.0.2.1:3478 or [2001:db8::1]:3478';
    report.problem([...path, index], `must be a host with its port such as ${form}`);
    return '';
  });
  if (isNeeded && servers.length === 0) {
    report.problem(path, `must name a server; an address of the relay is to be discovered`);
  } else if (!isNeeded && servers.length > 0) {
    const message = `has no effect; no entry of relay.addresses has advertise: ${DISCOVER}`;
    report.warning(path, message, 'key');
  }
  return [...new Set(servers)];
}
