import forge from 'node-forge';

/** What a PKCS #12 file holds, as DER (RFC 7292 §4.2). */
export interface Pkcs12Content {
  /** In the order of the file, which says nothing about the chain. */
  readonly certificates: readonly Buffer[];
  /** PKCS #8. */
  readonly keys: readonly Buffer[];
}

/** Opens a PKCS #12 file; throws an Error that says why it cannot be, such as a wrong passphrase. */
export function openPkcs12(content: Uint8Array, passphrase: string | undefined): Pkcs12Content {
  const asn1 = forge.asn1.fromDer(Buffer.from(content).toString('latin1'), false);
  const archive = forge.pkcs12.pkcs12FromAsn1(asn1, false, passphrase ?? '');
  const bags = archive.safeContents.flatMap(({ safeBags }) => safeBags);
  return {
    certificates: bagsOf(bags, forge.pki.oids['certBag']).map(certificateDer),
    keys: [
      ...bagsOf(bags, forge.pki.oids['keyBag']),
      ...bagsOf(bags, forge.pki.oids['pkcs8ShroudedKeyBag']),
    ].map(keyDer),
  };
}

function bagsOf(
  bags: readonly forge.pkcs12.Bag[],
  type: string | undefined,
): readonly forge.pkcs12.Bag[] {
  return bags.filter((bag) => bag.type === type);
}

/** The library reads RSA only, and keeps whatever else there is as it is. */
function certificateDer({ cert, asn1 }: forge.pkcs12.Bag): Buffer {
  return derOf(cert ? forge.pki.certificateToAsn1(cert) : asn1);
}

function keyDer({ key, asn1 }: forge.pkcs12.Bag): Buffer {
  if (!key) return derOf(asn1);
  return derOf(forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key)));
}

function derOf(asn1: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'latin1');
}
