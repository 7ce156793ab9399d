import type { Static } from 'typebox';
import {
  CIPHERS_DEFAULT,
  CIPHER_SUITES_DEFAULT,
  CURVES_DEFAULT,
  TLS_VERSION_DEFAULT,
} from './default-values.ts';
import { choice, list, section, text, textOrTexts, texts } from './schema-fields.ts';
import { Type } from './schema-types.ts';

const CERTIFICATE_KEYS = {
  cert_file: text('PEM file with the certificate and its chain, or base64 of it; watched.'),
  key_file: text('PEM file with the private key, or base64 of it; watched.'),
  key_passphrase: text('Passphrase of the private key or of the PKCS #12 file.'),
  key_passphrase_file: text('File that holds the passphrase.'),
  pkcs12_file: text(
    'PKCS #12 file with certificate, chain and private key, instead of cert_file and key_file; watched.',
  ),
};

const SniSchema = section('A certificate for clients that ask for certain names.', {
  names: texts(
    'DNS names, the first label maybe *; those of the certificate itself unless given.',
    { default: [], examples: [['turn.example.org', '*.example.org']] },
  ),
  ...CERTIFICATE_KEYS,
});

const TLS_KEYS = {
  ...CERTIFICATE_KEYS,
  certificate: choice(
    ['acme', 'generated'],
    'Where it comes from when no file is given: the acme section, by default if there is one, or made at start.',
  ),
  sni: list(SniSchema, 'More certificates, for clients that ask for certain names.', {
    default: [],
  }),
  min_version: choice(
    ['TLSv1.2', 'TLSv1.3'],
    'Lowest version accepted; DTLS is always DTLS 1.2.',
    TLS_VERSION_DEFAULT,
  ),
  ciphers: text(
    'OpenSSL cipher list for TLS 1.2 and DTLS 1.2; names that start with TLS_ are for TLS 1.3; each has a default.',
    { default: `${CIPHER_SUITES_DEFAULT}:${CIPHERS_DEFAULT}` },
  ),
  curves: text(
    'Key exchange groups, preferred first, separated by colons; one that this OpenSSL lacks is left out.',
    { default: CURVES_DEFAULT },
  ),
  client_ca_file: textOrTexts(
    'PEM files of the authorities that client certificates come from: one path or a list; watched.',
  ),
  client_crl_file: textOrTexts(
    'PEM files of the revocation lists of those authorities: one path or a list; watched.',
  ),
  client_auth: choice(
    ['none', 'request', 'require'],
    'Whether clients need a certificate of their own; require when client_ca_file is given, else none.',
  ),
};

const IdentitySchema = section('What a verified client certificate stands for.', {
  subject: Type.String({
    description:
      'What the certificate must say, all of it: items separated by commas, or * for any.',
    examples: ['CN=alice', 'O=Example,OU=edge', 'DNS:edge.example.org', '*'],
    errorMessage: 'must be text such as CN=alice, O=Example,OU=edge, DNS:edge.example.org or *',
  }),
  user: text(
    'User id of its allocations, {CN} being the common name; the one of the credential unless given.',
    { examples: ['alice', '{CN}'] },
  ),
  routes: texts('Clusters that it is confined to; all that its credential allows unless given.'),
});

/** The `tls` section of a listener. */
export const ListenerTlsSchema = section('How the listener speaks TLS or DTLS.', {
  ...TLS_KEYS,
  client_identities: list(
    IdentitySchema,
    'What verified client certificates stand for; the first that fits counts.',
    { default: [] },
  ),
  termination: choice(
    ['here', 'upstream'],
    'Where TLS ends: here, or at a load balancer in front; the listener is then plain, its URIs stay turns.',
    'here',
  ),
});

/** The `tls` section of the ICE API. */
export const IceTlsSchema = section('How the ICE API speaks HTTPS.', TLS_KEYS);

/** The `api_tls` section of the admin API. */
export const ApiTlsSchema = section('How the admin API speaks HTTPS.', TLS_KEYS);

/** What every `tls` section has, as written. */
export type TlsSection = Static<typeof IceTlsSchema>;
/** An entry of `client_identities` as written. */
export type IdentityEntry = Static<typeof IdentitySchema>;
