import { randomBytes } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { dtlsHello, dtlsHelloWithCookie } from '../../test/support/dtls-hello.ts';
import { Mismatch, type ConformanceCase, type Topic } from '../conformance-case.ts';
import { Exchange } from '../exchange.ts';
import { expectEqual, expectSuccess, expectThat } from '../expectations.ts';
import type { DtlsLink } from '../link/dtls-link.ts';
import { StreamLink } from '../link/stream-link.ts';
import { UdpLink } from '../link/udp-link.ts';
import { onDtls, onTls } from '../requirements.ts';
import type { Session } from '../session.ts';

const ALERT_RECORD = 21;
const HANDSHAKE_RECORD = 22;
const DATA_RECORD = 23;
/** Level and description: handshake failure. */
const FATAL_ALERT = Buffer.from([2, 40]);
const HELLO_VERIFY_REQUEST = 3;
const RECORD_HEADER_BYTES = 13;
const ALPN_TURN = 'stun.turn';
const ALPN_DISCOVERY = 'stun.nat-discovery';

/** TLS and DTLS around it all. */
export const SECURE_TRANSPORT: Topic = {
  name: 'secure-transport',
  cases: [...versions(), ...applicationProtocols(), ...datagrams()],
};

function versions(): ConformanceCase[] {
  const accepted = (version: 'TLSv1.2' | 'TLSv1.3', rfc: string, section: string) => ({
    id: `tls-${version.slice(4)}`,
    rfc,
    section,
    title: `${version} is spoken`,
    requires: [onTls],
    run: async (session: Session) => {
      const socket = await session.secure({ minVersion: version, maxVersion: version });
      expectEqual('the version', socket.getProtocol(), version);
      await expectBinding(session, new StreamLink(socket));
    },
  });
  return [
    accepted('TLSv1.2', 'RFC 8489', '6.2.3'),
    accepted('TLSv1.3', 'RFC 9325', '3.1.1'),
    {
      id: 'tls-1.1',
      rfc: 'RFC 8996',
      section: '5',
      title: 'TLSv1.1 is refused by an alert',
      requires: [onTls],
      run: async (session) => {
        const old = {
          minVersion: 'TLSv1',
          maxVersion: 'TLSv1.1',
          ciphers: 'ALL@SECLEVEL=0',
        } as const;
        await expectAlert(session, old);
      },
    },
    {
      id: 'tls-cipher',
      rfc: 'RFC 8489',
      section: '6.2.3',
      title: 'ECDHE with AES-128-GCM is spoken over TLSv1.2',
      requires: [onTls],
      run: async (session) => {
        const ciphers = 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256';
        await session.secure({ maxVersion: 'TLSv1.2', ciphers });
      },
    },
    {
      id: 'tls-no-static-rsa',
      rfc: 'RFC 9325',
      section: '4.1',
      title: 'a key exchange without forward secrecy is refused by an alert',
      requires: [onTls],
      run: async (session) => {
        const ciphers = 'AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA';
        await expectAlert(session, { maxVersion: 'TLSv1.2', ciphers });
      },
    },
  ];
}

function applicationProtocols(): ConformanceCase[] {
  const selected = (id: string, offer: string[], wanted: readonly string[]): ConformanceCase => ({
    id: `alpn-${id}`,
    rfc: 'RFC 7443',
    section: '3',
    title: `a client that offers ${offer.join(' and ')} gets ${wanted.join(' or ')}`,
    requires: [onTls],
    run: async (session) => {
      const socket = await session.secure({ ALPNProtocols: offer });
      const { alpnProtocol } = socket;
      expectThat(wanted.includes(String(alpnProtocol)), `it gets ${String(alpnProtocol)}`);
      await expectBinding(session, new StreamLink(socket));
    },
  });
  return [
    selected('turn', [ALPN_TURN], [ALPN_TURN]),
    selected('discovery', [ALPN_DISCOVERY], [ALPN_DISCOVERY]),
    selected('both', [ALPN_DISCOVERY, ALPN_TURN], [ALPN_TURN, ALPN_DISCOVERY]),
    {
      id: 'alpn-none',
      rfc: 'RFC 7443',
      section: '3',
      title: 'a client that offers no protocol is served',
      requires: [onTls],
      run: async (session) => {
        await expectBinding(session, new StreamLink(await session.secure()));
      },
    },
    {
      id: 'alpn-foreign',
      rfc: 'RFC 7301',
      section: '3.2',
      title: 'a client that offers a foreign protocol alone does not get it',
      requires: [onTls],
      run: async (session) => {
        const offer = { ALPNProtocols: ['h2'] };
        const socket = await session.secure(offer).catch(() => undefined);
        expectThat(socket?.alpnProtocol !== 'h2', 'it gets h2');
      },
    },
  ];
}

/** Before a client has shown that it receives what is sent to its address, it gets no more than it has sent. */
function datagrams(): ConformanceCase[] {
  const rfc = 'RFC 6347';
  const section = '4.2.1';
  return [
    {
      id: 'dtls-cookie',
      rfc,
      section,
      title: 'ClientHello without a cookie is answered by HelloVerifyRequest',
      requires: [onDtls],
      run: async (session) => {
        expectVerifyRequest(await answerTo(session, dtlsHello()));
      },
    },
    {
      id: 'dtls-cookie-small',
      rfc,
      section,
      title: 'the HelloVerifyRequest is no larger than the ClientHello',
      requires: [onDtls],
      run: async (session) => {
        const hello = dtlsHello();
        const answer = await answerTo(session, hello);
        expectThat(answer.length <= hello.length, `${answer.length} bytes for ${hello.length}`);
      },
    },
    {
      id: 'dtls-cookie-forged',
      rfc,
      section,
      title: 'a cookie that was never issued does not begin a handshake',
      requires: [onDtls],
      run: async (session) => {
        const answer = await answerTo(session, dtlsHelloWithCookie(Buffer.alloc(20, 7)));
        if (answer[0] !== ALERT_RECORD) expectVerifyRequest(answer);
      },
    },
    {
      id: 'dtls-cookie-per-client',
      rfc,
      section,
      title: 'two clients do not get the same cookie',
      requires: [onDtls],
      run: async (session) => {
        const one = await answerTo(session, dtlsHello());
        const two = await answerTo(session, dtlsHello());
        expectThat(!cookieOf(one).equals(cookieOf(two)), 'the same for both');
      },
    },
    {
      id: 'dtls-two-associations',
      rfc: 'RFC 8489',
      section: '6.2.3',
      title: 'two associations of one machine are served',
      requires: [onDtls],
      run: async (session) => {
        for (const client of [await session.stranger(), await session.stranger()]) {
          expectSuccess(await client.binding());
        }
      },
    },
    {
      id: 'dtls-garbage',
      rfc,
      section: '4.1.2.7',
      title: 'forged, plain and cut records and other noise leave an association alone',
      requires: [onDtls],
      run: async (session) => {
        const client = await session.stranger();
        expectSuccess(await client.binding());
        for (const datagram of invalidRecords()) (client.link as DtlsLink).sendPlain(datagram);
        expectSuccess(await client.binding());
        expectThat(!client.link.inbox.isEnded, 'it is over');
      },
    },
  ];
}

async function expectBinding({ setup }: Session, link: StreamLink): Promise<void> {
  expectSuccess(await new Exchange(link, setup.patienceMs).binding());
}

/** What a datagram of its own is answered by. */
async function answerTo({ target, setup }: Session, datagram: Buffer): Promise<Buffer> {
  const link = await UdpLink.open(target.server, target.localIp);
  try {
    link.send(datagram);
    const answer = await link.inbox.take(() => true, setup.patienceMs);
    if (answer === undefined) throw new Mismatch('silence');
    return answer;
  } finally {
    await link.close();
  }
}

function expectVerifyRequest(answer: Buffer): void {
  const isVerifyRequest =
    answer[0] === HANDSHAKE_RECORD && answer[RECORD_HEADER_BYTES] === HELLO_VERIFY_REQUEST;
  expectThat(isVerifyRequest, `record ${answer[0]} of message ${answer[RECORD_HEADER_BYTES]}`);
}

function cookieOf(answer: Buffer): Buffer {
  expectVerifyRequest(answer);
  const at = RECORD_HEADER_BYTES + 12 + 2;
  return answer.subarray(at + 1, at + 1 + answer[at]!);
}

/** Expects a handshake to end in an alert of the server; that it fails might be the fault of this side. */
async function expectAlert(session: Session, options: ConnectionOptions): Promise<void> {
  const problem = await session.secure(options).then(
    () => 'it is spoken',
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
  expectThat(/_ALERT_/.test(problem), problem);
}

/** What somebody else might send on the 5-tuple of an association, with a sequence number that is still to come. */
function invalidRecords(): Buffer[] {
  const record = (type: number, epoch: number, body: Buffer, length = body.length): Buffer => {
    const header = Buffer.from([type, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 40, 0, 0]);
    header.writeUInt16BE(length, RECORD_HEADER_BYTES - 2);
    return Buffer.concat([header, body]);
  };
  return [
    record(DATA_RECORD, 1, randomBytes(48)),
    record(ALERT_RECORD, 1, randomBytes(26)),
    record(ALERT_RECORD, 0, FATAL_ALERT),
    record(DATA_RECORD, 1, randomBytes(8), 48),
    record(DATA_RECORD, 0, Buffer.alloc(0)),
    Buffer.from([DATA_RECORD, 254, 253]),
    Buffer.alloc(40),
  ];
}
