import type {
  CertificateSource,
  ClientIdentity,
  ListenerConfig,
  SniCertificate,
  TlsConfig,
} from './gateway-config.ts';
import { isSecureProtocol } from './listener-protocols.ts';
import { withoutUnset, type ShowSecret } from './redact-values.ts';

/** What a listener says about TLS, as keys of its entry in the file; nothing for plain listeners. */
export function listenerTlsEntries(
  listener: ListenerConfig,
  show: ShowSecret,
): Record<string, unknown> {
  const { protocol, tls, alsoPlain } = listener;
  if (!isSecureProtocol(protocol)) return {};
  if (tls === undefined) return { tls: { termination: 'upstream' } };
  return {
    ...inlineEntries(tls.certificate, show),
    tls: {
      ...tlsEntry(tls, show),
      client_identities: tls.clientIdentities.map(identityEntry),
      termination: 'here',
    },
    also_plain: alsoPlain,
  };
}

/** A `tls` section in the format of the file. */
export function tlsEntry(tls: TlsConfig, show: ShowSecret): Record<string, unknown> {
  return {
    ...certificateEntries(tls.certificate, show),
    sni: tls.sni.map((entry) => sniEntry(entry, show)),
    min_version: tls.minVersion,
    ciphers: `${tls.cipherSuites}:${tls.ciphers}`,
    curves: tls.curves,
    client_ca_file: [...tls.clientCaFiles],
    client_crl_file: [...tls.clientCrlFiles],
    client_auth: tls.clientAuth,
  };
}

function sniEntry({ names, source }: SniCertificate, show: ShowSecret): Record<string, unknown> {
  return { names: [...names], ...certificateEntries(source, show) };
}

function inlineEntries(source: CertificateSource, show: ShowSecret): Record<string, unknown> {
  return source.kind === 'inline'
    ? { cert: show(source.certificatePem), key: show(source.keyPem) }
    : {};
}

function certificateEntries(source: CertificateSource, show: ShowSecret): Record<string, unknown> {
  if (source.kind === 'acme' || source.kind === 'generated') return { certificate: source.kind };
  const key_passphrase = source.passphrase && show(source.passphrase);
  if (source.kind === 'pkcs12') return withoutUnset({ pkcs12_file: source.file, key_passphrase });
  if (source.kind === 'inline') return withoutUnset({ key_passphrase });
  const { certFile, keyFile } = source;
  return withoutUnset({ cert_file: certFile, key_file: keyFile, key_passphrase });
}

function identityEntry({ subject, userId, routes }: ClientIdentity): Record<string, unknown> {
  return withoutUnset({ subject, user: userId, routes: routes && [...routes] });
}
