import { RELAY_BIND_ATTEMPTS_MAX } from '../limits.ts';
import { isIpv6, isUnspecified, parseIp } from './addresses.ts';
import { RELAY_MAX_PORT_DEFAULT, RELAY_MIN_PORT_DEFAULT } from './default-values.ts';
import type { RelayConfig } from './gateway-config.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { RelaySection } from './schema.ts';
import { usableEntries } from './validate.ts';

/** Fills in the `relay` section and checks its port range and addresses. */
export function normaliseRelay(relay: RelaySection, context: NormaliseContext): RelayConfig {
  const workers = typeof relay.workers === 'number' ? relay.workers : 'auto';
  const minPort = relay.min_port ?? RELAY_MIN_PORT_DEFAULT;
  const maxPort = relay.max_port ?? RELAY_MAX_PORT_DEFAULT;
  checkPortRange(minPort, maxPort, workers === 'auto' ? 1 : workers, context);
  return { minPort, maxPort, addresses: addressesOf(relay, context), workers };
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
    const advertise = parseIp(entry.advertise || bind);
    if (advertise === undefined || isUnspecified(advertise)) {
      report.problem([...path, 'advertise'], 'must be an IP address that clients can be told');
      return [];
    }
    if (isIpv6(advertise) !== isIpv6(bind)) {
      report.problem([...path, 'advertise'], 'must be of the same address family as bind');
    }
    return [{ bind, advertise }];
  });
}
