import { parseBlock } from './addresses.ts';
import type { ListenerConfig, ListenerProtocol, PrefixConfig } from './gateway-config.ts';
import { isDatagramProtocol } from './listener-protocols.ts';
import type { NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';
import type { ListenerEntry } from './schema.ts';
import { usableEntries } from './validate.ts';

const MODES = ['optional', 'required'] as const;

/**
 * Fills in who may tell a listener the addresses of its clients.
 *
 * @param path - path of the listener.
 */
export function normaliseProxy(
  entry: ListenerEntry,
  protocol: ListenerProtocol,
  path: Path,
  context: NormaliseContext,
): Pick<ListenerConfig, 'proxyProtocol' | 'proxyTrusted'> {
  const { report } = context;
  const word = String(entry.proxy_protocol).toLowerCase();
  const proxyProtocol = MODES.find((mode) => mode === word) ?? 'off';
  const proxyTrusted = trustedOf(entry, path, context);
  const isDatagram = isDatagramProtocol(protocol);
  const isKnown = !report.hasProblemAt([...path, 'protocol']);
  if (proxyProtocol !== 'off' && isDatagram && isKnown) {
    const message = `is for TCP and TLS; ${protocol.toUpperCase()} has no connection to begin with it`;
    report.problem([...path, 'proxy_protocol'], message);
  } else if (proxyProtocol !== 'off' && !entry.proxy_trusted?.length) {
    const message = 'needs proxy_trusted, the addresses of the load balancers, such as 10.0.0.0/8';
    if (!report.hasProblemAt([...path, 'proxy_trusted'])) {
      report.problem([...path, 'proxy_protocol'], message);
    }
  } else if (proxyProtocol === 'off' && entry.proxy_trusted?.length) {
    const message = 'has no effect; proxy_protocol is off';
    report.warning([...path, 'proxy_trusted'], message, 'key');
  }
  return { proxyProtocol, proxyTrusted };
}

function trustedOf(
  entry: ListenerEntry,
  listenerPath: Path,
  { report }: NormaliseContext,
): readonly PrefixConfig[] {
  return usableEntries(entry.proxy_trusted).flatMap(([index, text]) => {
    const path = [...listenerPath, 'proxy_trusted', index];
    const block = parseBlock(text);
    if (block === undefined) {
      report.problem(path, 'must be an IP address or block such as 10.0.0.0/8');
      return [];
    }
    if (block.prefixLength === 0) {
      report.warning(path, 'lets everybody pretend any client address');
    }
    return [block];
  });
}
