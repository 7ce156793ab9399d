const HOST_NAME = 0;

/** Reads the host name of a server_name extension in lower case; undefined when there is none (RFC 6066 §3). */
export function readServerName(extension: Buffer | undefined): string | undefined {
  if (extension === undefined || extension.length < 5 || extension[2] !== HOST_NAME)
    return undefined;
  const length = extension.readUInt16BE(3);
  if (5 + length > extension.length) return undefined;
  return extension.toString('latin1', 5, 5 + length).toLowerCase();
}

/** Reads the names of an ALPN extension, each with its offset in the extension (RFC 7301 §3.1). */
export function readAlpnProtocols(
  extension: Buffer | undefined,
): readonly { readonly name: string; readonly offset: number }[] {
  const protocols = [];
  const end = extension?.length ?? 0;
  for (let at = 2; at < end;) {
    const length = extension![at]!;
    const offset = at + 1;
    at = offset + length;
    if (at <= end) protocols.push({ name: extension!.toString('latin1', offset, at), offset });
  }
  return protocols;
}
