import { createPrivateKey } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, GatewayError } from '../errors.ts';
import { generateKeyPem } from './key.ts';

const ACCOUNT_KEY_FILE = 'account.key';
const CERTIFICATE_FILE = 'certificate.pem';

/** The folder that keeps what an ACME directory knows us by and gave us; each directory has its own inside of it. */
export class AcmeStorage {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Opens the folder of a directory, and makes it when it is missing.
   *
   * @param storage - `acme.storage`.
   * @param directory - URL of the ACME directory.
   * @throws GatewayError GW_ERR_ACME when it cannot be made.
   */
  static async open(storage: string, directory: string): Promise<AcmeStorage> {
    const folder = join(storage, folderName(directory));
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw storageError(`acme.storage ${storage} cannot be used`, error);
    }
    return new AcmeStorage(folder);
  }

  /**
   * The key of the account, made and kept the first time.
   *
   * @returns PEM of a private key.
   * @throws GatewayError GW_ERR_ACME when it is damaged, or cannot be read or written.
   */
  async accountKey(): Promise<string> {
    const path = join(this.#folder, ACCOUNT_KEY_FILE);
    const kept = await readIfThere(path);
    if (kept === undefined) {
      const keyPem = await generateKeyPem();
      await replaceFile(path, keyPem);
      return keyPem;
    }
    try {
      createPrivateKey(kept);
    } catch (error) {
      throw storageError(`${path} is no private key`, error);
    }
    return kept;
  }

  /**
   * The certificate as it was kept, unchecked.
   *
   * @returns PEM of the private key, the certificate and its chain; undefined when there is none.
   * @throws GatewayError GW_ERR_ACME when it cannot be read.
   */
  async readCertificate(): Promise<string | undefined> {
    return readIfThere(join(this.#folder, CERTIFICATE_FILE));
  }

  /**
   * Keeps a certificate with its key in place of the former one; both lie in one file so that they always belong
   * together.
   *
   * @throws GatewayError GW_ERR_ACME when it cannot be written.
   */
  async writeCertificate(pem: string): Promise<void> {
    await replaceFile(join(this.#folder, CERTIFICATE_FILE), pem);
  }
}

/** `https://acme.example.org/directory` becomes `acme.example.org-directory`. */
function folderName(directory: string): string {
  const { host, pathname, search } = new URL(directory);
  return `${host}${pathname}${search}`.replaceAll(/[^a-z0-9.]+/gi, '-').replace(/^[.-]+|-+$/g, '');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw storageError(`${path} cannot be read`, error);
  }
}

/** Puts a file in place as a whole or not at all, also when the machine stops midway. */
async function replaceFile(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`;
  try {
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    throw storageError(`${path} cannot be written`, error);
  }
}

function storageError(what: string, cause: unknown): GatewayError {
  return new GatewayError('GW_ERR_ACME', `${what}: ${errorText(cause)}`, { cause });
}
