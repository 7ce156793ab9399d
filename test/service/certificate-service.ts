import t from 'tap';
import { parseConfig } from '../../src/config/parse.ts';
import type { GatewayConfig } from '../../src/config/gateway-config.ts';
import { Log } from '../../src/log.ts';
import { secureContextProblem } from '../../src/net/reactor/secure/secure-context.ts';
import { CertificateService, type ListenerCheck } from '../../src/service/certificate-service.ts';
import { checkOpenSsl } from '../../src/sys/openssl.ts';
import { CertificateAuthority, writeCertificate } from '../support/certificate-authority.ts';

const openssl = checkOpenSsl();
const log = new Log({ format: 'json', levels: { all: 'DISABLE' } });

t.test('every endpoint has settings of its own, whatever its name', async (t) => {
  const config = configFrom(`
version: v1
auth: { type: none }
ice: { endpoint: "https://127.0.0.1:8088" }
listeners:
  - { name: ice, protocol: TLS, port: 1 }
  - { name: listeners.ice, protocol: DTLS, port: 2 }
  - { name: plain, protocol: TCP, port: 3 }
  - { name: upstream, protocol: TLS, port: 4, tls: { termination: upstream } }
`);
  const certificates = await CertificateService.load(config, log);
  t.teardown(() => certificates.stop());
  const { ofListeners, ofIce } = certificates;
  t.strictSame([...ofListeners.keys()], ['ice', 'listeners.ice']);
  const all = [...ofListeners.values(), ofIce];
  t.equal(new Set(all.map((settings) => settings?.ticketKeys)).size, 3, 'also in their secrets');
});

t.test('nothing speaks TLS', async (t) => {
  const config = configFrom(
    'version: v1\nauth: { type: none }\nice: {}\nlisteners: [{ name: a, protocol: UDP }]',
  );
  const certificates = await CertificateService.load(config, log);
  let changes = 0;
  certificates.start(() => changes++);
  await certificates.reload();
  await certificates.stop();
  t.equal(certificates.ofListeners.size, 0);
  t.equal(certificates.ofIce, undefined);
  t.equal(changes, 1, 'reported once, in case something has changed since');
});

t.test(
  'a pair that the policy does not allow keeps the old one',
  { skip: !openssl.supported && openssl.reason },
  async (t) => {
    const folder = t.testdir();
    const authority = await CertificateAuthority.create();
    const files = await writeCertificate(await authority.issueServer(), folder);
    const config = configFrom(`
version: v1
auth: { type: none }
listeners:
  - name: strict
    protocol: TLS
    cert_file: ${files.certFile}
    key_file: ${files.keyFile}
    tls: { ciphers: 'ECDHE+AESGCM:@SECLEVEL=3' }
`);
    const check: ListenerCheck = ({ name }, settings) =>
      secureContextProblem(name, settings, false);
    const certificates = await CertificateService.load(config, log, check);
    t.teardown(() => certificates.stop());
    const before = certificates.ofListeners.get('strict');
    await writeCertificate(await authority.issueServer({ keyKind: 'rsa-2048' }), folder);
    await certificates.reload();
    t.equal(certificates.ofListeners.get('strict'), before);
    await t.rejects(CertificateService.load(config, log, check), {
      code: 'GW_ERR_TLS_POLICY',
      message: /listeners\.strict.*key too small/,
    });
  },
);

function configFrom(text: string): GatewayConfig {
  const options = { fileName: 'test.yaml', environment: {}, readFile: () => '' };
  const result = parseConfig(text, options);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.config;
}
