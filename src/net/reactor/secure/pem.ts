import { loadOpenSsl, type OpenSsl } from '../../../sys/openssl.ts';
import { nativeCopy } from './native-memory.ts';

type Reader = 'PEM_read_bio_X509' | 'PEM_read_bio_X509_CRL' | 'PEM_read_bio_PrivateKey';

/** Hands each certificate of a PEM text to `use`, which may take references but does not own it. */
export function readCertificates(
  pem: string,
  use: (certificate: number, index: number) => void,
): void {
  const { X509_free } = loadOpenSsl();
  readAll(pem, 'PEM_read_bio_X509', (certificate) => X509_free(certificate), use);
}

/** Hands each revocation list of a PEM text to `use`, which may take references but does not own it. */
export function readRevocationLists(pem: string, use: (list: number) => void): void {
  const { X509_CRL_free } = loadOpenSsl();
  readAll(pem, 'PEM_read_bio_X509_CRL', (list) => X509_CRL_free(list), use);
}

/** Hands the unencrypted private key of a PEM text to `use`, which may take references but does not own it. */
export function readPrivateKey(pem: string, use: (key: number) => void): void {
  const { EVP_PKEY_free } = loadOpenSsl();
  readAll(pem, 'PEM_read_bio_PrivateKey', (key) => EVP_PKEY_free(key), use);
}

function readAll(
  pem: string,
  reader: Reader,
  free: (object: number) => void,
  use: (object: number, index: number) => void,
): void {
  const openssl = loadOpenSsl();
  const bio = openPem(openssl, pem);
  try {
    for (let index = 0; ; index++) {
      const object = openssl[reader](bio, 0, 0, 0);
      if (object === 0) break;
      try {
        use(object, index);
      } finally {
        free(object);
      }
    }
  } finally {
    openssl.BIO_free(bio);
    // The end of the text counts as an error.
    openssl.ERR_clear_error();
  }
}

function openPem(openssl: OpenSsl, pem: string): number {
  const bio = openssl.BIO_new(openssl.BIO_s_mem());
  const text = nativeCopy(pem);
  openssl.BIO_write(bio, text.address, text.bytes.length);
  return bio;
}
