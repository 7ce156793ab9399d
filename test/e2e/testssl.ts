import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { KeyKind } from '../support/certificate-authority.ts';
import { missingTool, runCommand } from '../support/child-process.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { startSecureGateway, TestPki, tlsKeys } from '../support/secure-gateway.ts';

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** Protocols, cipher categories and server defaults; vulnerabilities need no more than one of the certificates. */
const SECTIONS = ['-p', '-s', '-S'];
const RUNS: readonly { readonly keyKind: KeyKind; readonly sections: readonly string[] }[] = [
  { keyKind: 'ecdsa-p256', sections: [...SECTIONS, '-f', '-U'] },
  // The attack is on RSA keys.
  { keyKind: 'rsa-2048', sections: [...SECTIONS, '-BB'] },
];
const RUN_MS_MAX = 250_000;

/** Severities that count as above "low". */
const GRAVE = ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'];
/** Findings about the certificate of the test, and none about the gateway. */
const EXCEPTIONS: readonly Finding[] = [
  // The authority of the test publishes no revocation lists.
  { id: 'cert_revocation', severity: 'HIGH', finding: 'Neither CRL nor OCSP URI provided' },
];
/** What must have been looked at, with its result. */
const EXPECTED: Readonly<Record<string, string>> = {
  SSLv2: 'OK',
  SSLv3: 'OK',
  TLS1: 'INFO',
  TLS1_1: 'INFO',
  TLS1_2: 'OK',
  TLS1_3: 'OK',
  cipherlist_NULL: 'OK',
  cipherlist_aNULL: 'OK',
  cipherlist_EXPORT: 'OK',
  cipherlist_LOW: 'OK',
  cert_chain_of_trust: 'OK',
  cert_trust: 'OK',
};
const VULNERABILITIES =
  'heartbleed CCS ROBOT secure_renego secure_client_renego CRIME_TLS POODLE_SSL SWEET32 FREAK DROWN LOGJAM BEAST LUCKY13'.split(
    ' ',
  );

const skip = missingBuild() || missingTool('testssl', 'openssl');

t.test('testssl finds nothing grave', { skip }, async (t) => {
  const pki = await TestPki.create(t);
  const listeners = await Promise.all(
    RUNS.map(async ({ keyKind }) => {
      const tls = tlsKeys(await pki.server({ keyKind }));
      return [keyKind, { protocol: 'TURN-TLS' as const, tls }] as const;
    }),
  );
  const gateway = await startSecureGateway(t, { listeners: Object.fromEntries(listeners) });
  await Promise.all(
    RUNS.map(async ({ keyKind, sections }) => {
      const file = join(pki.folder, `${keyKind}.json`);
      const always = ['--quiet', '--color', '0', '--warnings', 'off', '--fast', '--nodns', 'none'];
      const result = await runCommand(
        'testssl',
        [
          ...always,
          '--add-ca',
          pki.caFile,
          '--jsonfile',
          file,
          ...sections,
          `localhost:${gateway.server(keyKind).port}`,
        ],
        RUN_MS_MAX,
      );
      t.notOk(result.isTimedOut);
      const findings = JSON.parse(await readFile(file, 'utf8')) as Finding[];
      const grave = findings.filter(
        (each) => GRAVE.includes(each.severity) && !EXCEPTIONS.some((known) => isSame(known, each)),
      );
      t.same(grave, [], keyKind);
      const expected = Object.entries(EXPECTED);
      if (sections.includes('-U'))
        expected.push(...VULNERABILITIES.map((id) => [id, 'OK'] as [string, string]));
      for (const [id, severity] of expected) {
        t.equal(findings.find((each) => each.id === id)?.severity, severity, `${keyKind}: ${id}`);
      }
    }),
  );
});

function isSame(a: Finding, b: Finding): boolean {
  return a.id === b.id && a.severity === b.severity && a.finding === b.finding;
}
