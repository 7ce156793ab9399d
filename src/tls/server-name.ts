/**
 * Chooses the certificate for the name that a client asks for (RFC 6066 §3): an exact name beats a wildcard, a wildcard
 * stands for exactly one label (RFC 6125 §6.4.3), and the first certificate serves everybody else.
 *
 * @param certificates - certificates, or whatever is made from them; never empty.
 * @param serverName - the name as the client sent it, undefined when it sent none.
 */
export function selectCertificate<T extends { readonly names: readonly string[] }>(
  certificates: readonly T[],
  serverName: string | undefined,
): T {
  const [first] = certificates;
  if (first === undefined) throw new RangeError('there is no certificate to choose from');
  if (serverName === undefined || serverName === '') return first;
  const name = normaliseServerName(serverName);
  const wildcard = name.replace(/^[^.]+(?=\.)/, '*');
  const holderOf = (wanted: string): T | undefined =>
    certificates.find(({ names }) => names.includes(wanted));
  return holderOf(name) ?? holderOf(wildcard) ?? first;
}

/** The form in which DNS names are compared: lower case, without the dot of the root. */
export function normaliseServerName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
