import t from 'tap';
import { CertificateAuthority } from '../../support/certificate-authority.ts';
import { missingTool, type CommandResult } from '../../support/child-process.ts';
import { relayFault, runUclient, startEchoPeers } from '../../support/coturn-tools.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import { awaitCertificate, missingOpenSsl } from '../../support/openssl-client.ts';
import { startSecureGateway, TestPki, tlsKeys } from '../../support/secure-gateway.ts';
import { DUAL_STACK_SERVER } from '../../support/server-under-test.ts';

type Mode = 'reactor' | 'portable';
/** Judges a run; returns what is wrong. */
type Fault = (result: CommandResult) => string | undefined;

const BOTH: readonly Mode[] = ['reactor', 'portable'];
const RUN_MS_MAX = 30_000;
const PARALLEL_RUNS = 12;

interface SecureRow {
  readonly proves: string;
  readonly listener: keyof ReturnType<typeof secureListeners>;
  /** `CA`, `CERT` and `KEY` stand for files. */
  readonly flags: readonly string[];
  readonly fault?: Fault;
  /** TLS in both modes by default; DTLS is not spoken in portable mode. */
  readonly modes?: readonly Mode[];
}

const AS_CLIENT = ['-i', 'CERT', '-k', 'KEY'];
/** The tool reads `-E` only next to a certificate of its own. */
const VERIFIED = ['-S', '-E', 'CA', ...AS_CLIENT];
const DISTRUSTING = ['-S', '-E', 'STRANGER', ...AS_CLIENT];
/** The tool reads one message of each TLS record; Node.js puts those into one that come faster than it writes. */
const UNHURRIED = ['-n', '10', '-z', '200'];
const NO_TRUST = /certificate verify failed/;
/** The alerts of TLS 1.3 and of TLS 1.2; Node.js may close before they are out. */
const NO_CERTIFICATE = /alert certificate required|alert handshake failure|unexpected eof/;
const NO_CIPHER = /alert handshake failure/;
const REACTOR: readonly Mode[] = ['reactor'];

const SECURE_ROWS: readonly SecureRow[] = [
  { proves: 'TLS', listener: 'tls', flags: ['-t', ...VERIFIED] },
  { proves: 'indications over TLS', listener: 'tls', flags: ['-t', '-s', '-c', ...VERIFIED] },
  {
    proves: '1400 bytes over TLS',
    listener: 'tls',
    flags: ['-t', '-c', '-l', '1400', ...VERIFIED],
  },
  {
    proves: 'a cipher of choice',
    listener: 'tls',
    flags: ['-t', '-c', '-F', 'ECDHE-ECDSA-CHACHA20-POLY1305', ...VERIFIED],
    fault: relayedWith('ECDHE-ECDSA-CHACHA20-POLY1305'),
  },
  {
    proves: 'a client that trusts somebody else',
    listener: 'tls',
    flags: ['-t', '-c', ...DISTRUSTING],
    fault: refusedBecause(NO_TRUST),
  },
  { proves: 'mutual TLS', listener: 'mutual-tls', flags: ['-t', ...VERIFIED] },
  {
    proves: 'mutual TLS without a certificate',
    listener: 'mutual-tls',
    flags: ['-t', '-c', '-S'],
    fault: refusedBecause(NO_CERTIFICATE),
  },
  { proves: 'TLS next to TCP', listener: 'tls-or-tcp', flags: ['-t', ...VERIFIED] },
  { proves: 'TCP next to TLS', listener: 'tls-or-tcp', flags: ['-t'] },
  { proves: 'TLS over IPv6', listener: 'tls6', flags: ['-t', '-c', '-x', ...VERIFIED] },
  { proves: 'DTLS', listener: 'dtls', flags: VERIFIED, modes: REACTOR },
  {
    proves: 'DTLS indications',
    listener: 'dtls',
    flags: ['-s', '-c', ...VERIFIED],
    modes: REACTOR,
  },
  {
    proves: 'a DTLS cipher of choice',
    listener: 'dtls',
    flags: ['-c', '-F', 'ECDHE-ECDSA-AES256-GCM-SHA384', ...VERIFIED],
    fault: relayedWith('ECDHE-ECDSA-AES256-GCM-SHA384'),
    modes: REACTOR,
  },
  {
    proves: 'a DTLS cipher that is not offered',
    listener: 'dtls',
    flags: ['-c', '-F', 'ECDHE-ECDSA-AES128-SHA256', ...VERIFIED],
    fault: refusedBecause(NO_CIPHER),
    modes: REACTOR,
  },
  {
    proves: 'a DTLS client that trusts somebody else',
    listener: 'dtls',
    flags: ['-c', ...DISTRUSTING],
    fault: refusedBecause(NO_TRUST),
    modes: REACTOR,
  },
  {
    proves: 'mutual DTLS',
    listener: 'mutual-dtls',
    flags: VERIFIED,
    modes: REACTOR,
  },
  {
    proves: 'mutual DTLS without a certificate',
    listener: 'mutual-dtls',
    flags: ['-c', '-S'],
    fault: refusedBecause(NO_CERTIFICATE),
    modes: REACTOR,
  },
  { proves: 'DTLS next to UDP', listener: 'dtls-or-udp', flags: VERIFIED, modes: REACTOR },
  { proves: 'UDP next to DTLS', listener: 'dtls-or-udp', flags: ['-X'], modes: REACTOR },
  { proves: 'DTLS over IPv6', listener: 'dtls6', flags: ['-c', '-x', ...VERIFIED], modes: REACTOR },
];

const skip = missingBuild() || missingTool('turnutils_uclient', 'turnutils_peer');

for (const mode of BOTH) {
  t.test(`coturn's tools over TLS and DTLS against ${mode} mode`, { skip }, async (t) => {
    const pki = await TestPki.create(t);
    const rows = SECURE_ROWS.filter((row) => (row.modes ?? BOTH).includes(mode));
    const rotated = await pki.server();
    const listeners = {
      ...secureListeners(tlsKeys(await pki.server()), pki.caFile),
      rotated: { protocol: 'TURN-TLS', tls: tlsKeys(rotated) },
      'rotated-dtls': { protocol: 'TURN-DTLS', tls: tlsKeys(rotated) },
    } as const;
    const gateway = await startSecureGateway(t, {
      ...DUAL_STACK_SERVER,
      mode,
      workers: mode === 'reactor' ? 2 : 1,
      listeners: Object.fromEntries(
        Object.entries(listeners).filter(([name]) => mode === 'reactor' || !name.includes('dtls')),
      ),
    });
    const { certFile, keyFile } = await pki.client();
    const stranger = await CertificateAuthority.create({ name: 'Stranger' });
    const files: Record<string, string> = {
      CA: pki.caFile,
      CERT: certFile,
      KEY: keyFile,
      STRANGER: await stranger.writeTo(pki.folder, 'stranger'),
    };
    const peers = await startEchoPeers(['127.0.0.1', '::1']);
    t.teardown(() => peers.stop());
    const uclient = (listener: string, flags: readonly string[]): Promise<CommandResult> => {
      const server = gateway.server(listener);
      const peer = server.host === '::1' ? '::1' : '127.0.0.1';
      const pace = mode === 'portable' ? UNHURRIED : ['-n', '20'];
      const given = flags.map((flag) => files[flag] ?? flag);
      const target = { ...server, secret: gateway.secret };
      return runUclient(target, [...pace, '-e', peer, '-r', `${peers.port}`, ...given], RUN_MS_MAX);
    };
    t.jobs = PARALLEL_RUNS;
    for (const { proves, listener, flags, fault = relayFault } of rows) {
      void t.test(proves, { buffered: true }, async (t) => {
        const result = await uclient(listener, flags);
        t.equal(fault(result), undefined, flags.join(' '), { output: result.output });
      });
    }

    const openssl = missingOpenSsl();
    const proves = 'a certificate that is replaced again and again';
    void t.test(proves, { buffered: true, skip: openssl }, async (t) => {
      const flags = [...(mode === 'portable' ? UNHURRIED : ['-n', '200', '-z', '10']), ...VERIFIED];
      const runs = [uclient('rotated', ['-t', ...flags])];
      if (mode === 'reactor') runs.push(uclient('rotated-dtls', flags));
      const state = { isOver: false };
      const results = Promise.all(runs).finally(() => (state.isOver = true));
      let rotations = 0;
      for (; !state.isOver; rotations++) {
        const serialNumber = await pki.replace(rotated);
        await awaitCertificate(gateway.server('rotated'), serialNumber);
      }
      t.ok(rotations > 2, `${rotations} rotations`);
      for (const result of await results) {
        t.equal(relayFault(result), undefined, 'uclient', { output: result.output });
      }
      const serialNumber = await pki.replace(rotated);
      await awaitCertificate(gateway.server('rotated'), serialNumber, ['-CAfile', pki.caFile]);
      if (mode === 'reactor') {
        await awaitCertificate(gateway.server('rotated-dtls'), serialNumber, ['-dtls1_2']);
      }
    });
  });
}

function secureListeners(tls: ReturnType<typeof tlsKeys>, caFile: string) {
  const mutual = { ...tls, client_ca_file: caFile, client_auth: 'require' };
  return {
    tls: { protocol: 'TURN-TLS', tls },
    tls6: { protocol: 'TURN-TLS', bind: '::1', tls },
    'mutual-tls': { protocol: 'TURN-TLS', tls: mutual },
    'tls-or-tcp': { protocol: 'TURN-TLS', also_plain: true, tls },
    dtls: { protocol: 'TURN-DTLS', tls },
    dtls6: { protocol: 'TURN-DTLS', bind: '::1', tls },
    'mutual-dtls': { protocol: 'TURN-DTLS', tls: mutual },
    'dtls-or-udp': { protocol: 'TURN-DTLS', also_plain: true, tls },
  } as const;
}

/** Wants everything relayed, over connections with this cipher; it says nothing of those of TLS 1.3. */
function relayedWith(cipher: string): Fault {
  return (result) => {
    const connected = [...result.output.matchAll(/connected with cipher (\S+), method=(\S+)/g)];
    const others = connected.filter(([, used, method]) => method !== 'TLSv1.3' && used !== cipher);
    if (connected.length === 0 || others.length > 0) return `not with ${cipher}`;
    return relayFault(result);
  };
}

/** Wants all handshakes to fail, however often the tool tries, and one of them for this reason. */
function refusedBecause(reason: RegExp): Fault {
  return ({ exitCode, output }) => {
    if (exitCode === 0) return 'not refused';
    if (/Cannot complete Allocation|Total connect time/.test(output)) return 'connected';
    return reason.test(output) ? undefined : 'refused for another reason';
  };
}
