import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateFiles } from './certificate-authority.ts';

/** What a certificate file and its key file hold. */
export interface PairTexts {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** A way in which tools replace certificate files. */
export interface RotationStyle {
  readonly name: string;
  /** Paths of the files in a folder. */
  files(folder: string): CertificateFiles;
  /** Writes the files for the first time, or replaces them. */
  replace(folder: string, texts: PairTexts, turn: number): Promise<void>;
}

/** Each file is written beside its place and moved there, one after the other, as certbot's hooks do. */
const ATOMIC_RENAME: RotationStyle = {
  name: 'atomic rename',
  files: plainFiles,
  async replace(folder, texts) {
    for (const [path, text] of entries(folder, texts)) {
      await writeFile(`${path}.tmp`, text, { mode: 0o600 });
      await rename(`${path}.tmp`, path);
    }
  },
};

/** Each file is emptied and written in two steps, as a shell does. */
const TRUNCATE_AND_WRITE: RotationStyle = {
  name: 'truncate and write',
  files: plainFiles,
  async replace(folder, texts) {
    for (const [path, text] of entries(folder, texts)) {
      const half = text.length >> 1;
      await writeFile(path, text.slice(0, half), { mode: 0o600 });
      await writeFile(path, text.slice(half), { flag: 'a' });
    }
  },
};

/** The files are links into `..data`, itself a link to a folder, which is swapped for another, as Kubernetes does. */
const KUBERNETES_SWAP: RotationStyle = {
  name: 'Kubernetes symlink swap',
  files: plainFiles,
  async replace(folder, texts, turn) {
    const version = `..version-${turn}`;
    await mkdir(join(folder, version));
    for (const [path, text] of entries(join(folder, version), texts)) {
      await writeFile(path, text, { mode: 0o600 });
    }
    await symlink(version, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    if (turn > 0) await rm(join(folder, `..version-${turn - 1}`), { recursive: true });
    else {
      await symlink(join('..data', 'tls.crt'), join(folder, 'tls.crt'));
      await symlink(join('..data', 'tls.key'), join(folder, 'tls.key'));
    }
  },
};

/** All the ways; turns count up from 0. */
export const ROTATION_STYLES: readonly RotationStyle[] = [
  ATOMIC_RENAME,
  TRUNCATE_AND_WRITE,
  KUBERNETES_SWAP,
];

function plainFiles(folder: string): CertificateFiles {
  return { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
}

function entries(folder: string, { certificatePem, keyPem }: PairTexts): [string, string][] {
  const { certFile, keyFile } = plainFiles(folder);
  return [
    [keyFile, keyPem],
    [certFile, certificatePem],
  ];
}
