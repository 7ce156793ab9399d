import { X509Certificate } from 'node:crypto';

/** Who a certificate is for. */
export interface CertificateSubject {
  /** All values of an attribute, given by short name in any case or by object identifier; none when it is not there. */
  attribute(name: string): readonly string[];
  /** All subject alternative names of a type (RFC 5280 §4.2.1.6). */
  alternativeNames(type: 'dns' | 'uri' | 'email'): readonly string[];
}

const NAME_TYPES: Readonly<Record<'dns' | 'uri' | 'email', string>> = {
  dns: 'DNS',
  uri: 'URI',
  email: 'email',
};

/**
 * Reads the DER of a certificate; throws an Error of OpenSSL when it is not one.
 *
 * The attributes come one by one, not as the line of text that a comma or line break within a value could add to.
 */
export function certificateSubject(der: Uint8Array): CertificateSubject {
  const certificate = new X509Certificate(der);
  // An attribute that is there more than once is a list, whatever the types say.
  const subject = certificate.toLegacyObject().subject as unknown as Readonly<
    Record<string, string | readonly string[]>
  >;
  const attributes = new Map(
    Object.entries(subject).map(([name, values]) => [name.toUpperCase(), [values].flat()]),
  );
  const names = alternativeNamesIn(certificate.subjectAltName ?? '');
  return {
    attribute: (name) => attributes.get(name.toUpperCase()) ?? [],
    alternativeNames: (type) => {
      return names.filter((name) => name.type === NAME_TYPES[type]).map(({ value }) => value);
    },
  };
}

/** Node.js writes a value that holds anything but plain characters as a JSON string. */
function alternativeNamesIn(text: string): { readonly type: string; readonly value: string }[] {
  const items = text.matchAll(/([^:,]+):("(?:\\.|[^"\\])*"|[^,]*)(?:, |$)/gy);
  return [...items].map(([, type = '', value = '']) => ({
    type,
    value: value.startsWith('"') ? (JSON.parse(value) as string) : value,
  }));
}
