import t from 'tap';
import { CertificateStore } from '../../src/tls/certificate-store.ts';
import { CertificateAuthority } from '../support/certificate-authority.ts';
import { ROTATION_STYLES, type PairTexts } from '../support/certificate-rotation.ts';
import { StoreObserver, tlsConfig } from '../support/tls-config.ts';

const ROTATIONS = 200;

const authority = await CertificateAuthority.create();
const pairs: readonly PairTexts[] = await Promise.all(
  Array.from({ length: 5 }, (_, index) =>
    authority.issueServer({ names: [`v${index}.example.org`] }),
  ),
);

/** What a tool that dies half-way, or a person, may leave behind; none of it can be used. */
const corruptions: readonly ((now: PairTexts, next: PairTexts) => PairTexts)[] = [
  (now, next) => ({ certificatePem: next.certificatePem, keyPem: now.keyPem }),
  (now, next) => ({ certificatePem: now.certificatePem, keyPem: next.keyPem }),
  (now) => ({ certificatePem: now.certificatePem.slice(0, 200), keyPem: now.keyPem }),
  (now) => ({ certificatePem: now.certificatePem, keyPem: '' }),
  () => ({ certificatePem: 'nonsense', keyPem: 'nonsense' }),
  (now) => ({ certificatePem: now.keyPem, keyPem: now.certificatePem }),
];

for (const style of ROTATION_STYLES) {
  t.test(`${ROTATIONS} rotations by ${style.name}`, async (t) => {
    const folder = t.testdir();
    await style.replace(folder, pairs[0]!, 0);
    const source = { kind: 'files', ...style.files(folder), passphrase: undefined } as const;
    const observer = new StoreObserver();
    const store = new CertificateStore({
      uses: [{ name: 'turn', config: tlsConfig(source) }],
      log: observer.log,
      onChange: observer.onChange,
      quietMs: 1,
    });
    t.teardown(() => store.close());
    await store.load();
    const served = (): string => store.settings.get('turn')!.certificates[0]!.certificatePem;
    const status = () => store.status().certificates[0]!;
    let turn = 0;
    let refused = 0;
    for (let round = 1; round <= ROTATIONS; round++) {
      const now = pairs[(round - 1) % pairs.length]!;
      const next = pairs[round % pairs.length]!;
      if (round % 2 === 0) {
        const failures = status().failures;
        await style.replace(
          folder,
          corruptions[(round / 2) % corruptions.length]!(now, next),
          ++turn,
        );
        await observer.until(() => status().lastError !== undefined);
        if (status().failures > failures && served() === now.certificatePem) refused++;
      }
      await style.replace(folder, next, ++turn);
      await observer.until(
        () => served() === next.certificatePem && status().lastError === undefined,
      );
    }
    t.equal(served(), pairs[ROTATIONS % pairs.length]!.certificatePem, 'the last one is served');
    t.equal(refused, ROTATIONS / 2, 'corrupt pairs are counted and not served');
    t.equal(observer.brokenSettings, 0, 'nothing but whole pairs was ever passed on');
    t.ok(observer.passedOn.length >= ROTATIONS, 'every one was passed on');
  });
}
