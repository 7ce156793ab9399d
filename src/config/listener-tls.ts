import { certificateOf, givenKeys } from './certificates.ts';
import { normaliseIdentities } from './client-certificates.ts';
import type { ListenerConfig, ListenerProtocol, TlsConfig } from './gateway-config.ts';
import { isSecureProtocol } from './listener-protocols.ts';
import type { FileFacts, NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';
import type { ListenerEntry } from './schema.ts';
import { normaliseTls } from './tls.ts';

/**
 * Fills in how a listener speaks TLS or DTLS.
 *
 * @param path - path of the listener.
 */
export function normaliseListenerTls(
  entry: ListenerEntry,
  protocol: ListenerProtocol,
  path: Path,
  facts: FileFacts,
  context: NormaliseContext,
): Pick<ListenerConfig, 'tls' | 'alsoPlain'> {
  const isKnown = !context.report.hasProblemAt([...path, 'protocol']);
  if (!isSecureProtocol(protocol)) {
    if (isKnown) refuseOnPlain(entry, protocol, path, context);
    return { tls: undefined, alsoPlain: false };
  }
  if (entry.tls?.termination?.toLowerCase() === 'upstream') {
    checkUpstream(entry, protocol, path, context);
    return { tls: undefined, alsoPlain: false };
  }
  const tls = endsHere(entry, protocol, path, facts, context);
  const alsoPlain = entry.also_plain ?? false;
  if (alsoPlain && tls?.clientAuth === 'require') {
    const message = 'would let clients pass without the certificate that client_auth requires';
    context.report.problem([...path, 'also_plain'], message, 'key');
  }
  return { tls, alsoPlain };
}

function refuseOnPlain(
  entry: ListenerEntry,
  protocol: ListenerProtocol,
  path: Path,
  { report }: NormaliseContext,
): void {
  const name = protocol.toUpperCase();
  const secure = protocol === 'udp' ? 'TURN-DTLS' : 'TURN-TLS';
  if (entry.tls !== undefined) {
    report.problem([...path, 'tls'], `needs protocol ${secure}; this one is ${name}`, 'key');
  }
  if (entry.also_plain === true) {
    const message = `is for TLS and DTLS; a ${name} listener is plain as it is`;
    report.problem([...path, 'also_plain'], message, 'key');
  }
  for (const key of givenKeys(entry)) {
    report.warning([...path, key], `is ignored; the listener is plain ${name}`, 'key');
  }
}

function checkUpstream(
  entry: ListenerEntry,
  protocol: ListenerProtocol,
  path: Path,
  { report }: NormaliseContext,
): void {
  if (protocol !== 'tls') {
    const message = 'may be upstream for TLS only; a DTLS listener ends DTLS itself';
    report.problem([...path, 'tls', 'termination'], message);
    return;
  }
  const message = 'cannot stand next to termination: upstream; TLS ends before it comes here';
  for (const key of Object.keys(entry.tls ?? {})) {
    if (key !== 'termination') report.problem([...path, 'tls', key], message, 'key');
  }
  for (const key of givenKeys(entry)) report.problem([...path, key], message, 'key');
  if (entry.also_plain === true) report.problem([...path, 'also_plain'], message, 'key');
}

function endsHere(
  entry: ListenerEntry,
  protocol: ListenerProtocol,
  path: Path,
  facts: FileFacts,
  context: NormaliseContext,
): TlsConfig {
  const section = entry.tls ?? {};
  const tlsPath = [...path, 'tls'];
  const owner = { section: entry, path, protocolKey: 'protocol' };
  const certificate = certificateOf({ section, path: tlsPath }, owner, facts, context);
  const tls = normaliseTls(section, certificate, tlsPath, context);
  if (protocol === 'dtls' && tls.minVersion === 'TLSv1.3') {
    const message =
      'must be TLSv1.2 for DTLS, or absent; OpenSSL speaks DTLS 1.2 and nothing newer';
    context.report.problem([...tlsPath, 'min_version'], message);
  }
  const clientIdentities = normaliseIdentities(
    section.client_identities,
    tls.clientAuth,
    [...tlsPath, 'client_identities'],
    facts.clusterNames,
    context,
  );
  return { ...tls, clientIdentities };
}
