import { RELAY_BIND_ATTEMPTS_MAX } from '../limits.ts';
import { isIpv6, isUnspecified, parseIp } from './addresses.ts';
import type { RelayConfig } from './gateway-config.ts';
import type { RelaySection } from './schema.ts';
import type { NormaliseContext } from './secrets.ts';
import { usableEntries } from './validate.ts';

/** RFC 8656 §5 recommends the dynamic ports. */
const MIN_PORT_DEFAULT = 49_152;
const MAX_PORT_DEFAULT = 65_535;

/** Fills in the `relay` section and checks its port range and addresses. */
export function normaliseRelay(relay: RelaySection, context: NormaliseContext): RelayConfig {
  const workers = typeof relay.workers === 'number' ? relay.workers : 'auto';
  const minPort = relay.min_port ?? MIN_PORT_DEFAULT;
  const maxPort = relay.max_port ?? MAX_PORT_DEFAULT;
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
  const seen = new Set<string>();
  return usableEntries(relay.addresses).flatMap(([index, entry]) => {
    const path = ['relay', 'addresses', index];
    const bind = parseIp(entry.bind);
    if (bind === undefined) {
      report.problem([...path, 'bind'], 'must be an IP address of this machine');
      return [];
    }
    if (seen.has(bind)) report.problem([...path, 'bind'], 'is given twice');
    seen.add(bind);
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
