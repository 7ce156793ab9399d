import { isHostName } from './addresses.ts';

/** One thing that a client certificate must say: an attribute of its subject, or an alternative name. */
export type SubjectItem =
  /** By short name, or by object identifier when it has none here. */
  | { readonly kind: 'attribute'; readonly name: string; readonly value: string }
  | { readonly kind: 'dns' | 'uri' | 'email'; readonly value: string };

/** Attributes that may be given by name (RFC 4514 §3 and more), in any case. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
};
const NAMES_BY_IDENTIFIER = new Map(Object.entries(ATTRIBUTES).map(([name, id]) => [id, name]));

/** A comma behind an even number of backslashes. */
const SEPARATOR = /(?<=(?:^|[^\\])(?:\\\\)*),/;

/**
 * Reads what a client certificate must say: items separated by commas, all of which must hold, or `*` for any
 * certificate. An item is `CN=…`, `O=…` or another attribute, `DNS:…`, `URI:…` or `email:…`; a comma or backslash
 * within a value has a backslash before it.
 *
 * @returns the items, none for `*`; undefined when the text is anything else.
 */
export function parseSubject(text: string): readonly SubjectItem[] | undefined {
  if (text.trim() === '*') return [];
  const items = text.split(SEPARATOR).map((item) => parseItem(item.trim()));
  return items.every((item) => item !== undefined) ? items : undefined;
}

function parseItem(escaped: string): SubjectItem | undefined {
  if (!/^(?:\\.|[^\\])*$/s.test(escaped)) return undefined;
  const text = escaped.replaceAll(/\\(.)/gs, '$1');
  const [, type, name = ''] = /^(DNS|URI|email):(.*)$/s.exec(text) ?? [];
  if (type === 'DNS') {
    return isHostName(name.replace(/^\*\./, '')) ? { kind: 'dns', value: name } : undefined;
  }
  if (type === 'URI') return URL.canParse(name) ? { kind: 'uri', value: name } : undefined;
  if (type === 'email') return name.includes('@') ? { kind: 'email', value: name } : undefined;
  return parseAttribute(text);
}

function parseAttribute(text: string): SubjectItem | undefined {
  const [, word = '', value = ''] = /^([a-z]+|[0-2](?:\.\d+)+)=(.+)$/is.exec(text) ?? [];
  const name = NAMES_BY_IDENTIFIER.get(word) ?? word.toUpperCase();
  const isKnown = /^\d/.test(name) || Object.hasOwn(ATTRIBUTES, name);
  return isKnown ? { kind: 'attribute', name, value } : undefined;
}
