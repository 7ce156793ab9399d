import type { Static } from 'typebox';
import {
  ACME_DIRECTORY_DEFAULT,
  ACME_HTTP_ENDPOINT_DEFAULT,
  ACME_RENEW_BEFORE_DEFAULT,
  ACME_STORAGE_DEFAULT,
} from './default-values.ts';
import { choice, duration, flag, section, text, texts } from './schema-fields.ts';

/** The `acme` section. */
export const AcmeSchema = section('Certificates from an ACME directory such as Let’s Encrypt.', {
  directory: text('URL of the directory.', { default: ACME_DIRECTORY_DEFAULT }),
  domains: texts('DNS names of the certificate, at least one, without wildcards.', {
    examples: [['turn.example.org']],
  }),
  email: text('Contact of the account, for notices of the authority.'),
  accept_terms: flag('True says that you agree to the terms of service of the directory.', false),
  challenge: choice(
    ['http-01', 'tls-alpn-01'],
    'How the names are proved: over plain HTTP on port 80, or in a TLS handshake on port 443.',
    'http-01',
  ),
  http_endpoint: text(
    'Where HTTP-01 is answered while an order runs; the directory connects to port 80 of the names.',
    { default: ACME_HTTP_ENDPOINT_DEFAULT },
  ),
  storage: text('Folder that keeps the account key, the certificate and its key.', {
    default: ACME_STORAGE_DEFAULT,
  }),
  ca_file: text('PEM file of the authority that the directory itself is trusted from.'),
  renew_before: duration(
    'A certificate is renewed so long before it expires.',
    ACME_RENEW_BEFORE_DEFAULT,
  ),
});

/** The `acme` section as written. */
export type AcmeSection = Static<typeof AcmeSchema>;
