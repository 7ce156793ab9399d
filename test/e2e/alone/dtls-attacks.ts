import { connect } from 'node:tls';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { ephemeralCredential } from '../../support/credentials.ts';
import {
  DtlsClient,
  missingDtlsClient,
  type DtlsClientOptions,
} from '../../support/dtls-client.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../support/echo-peer.ts';
import { missingBuild } from '../../support/gateway-process.ts';
import {
  startSecureGateway,
  TestPki,
  tlsKeys,
  type SecureGateway,
} from '../../support/secure-gateway.ts';
import { TurnClient } from '../../support/turn-client.ts';

const CHANNELS = [0x4001, 0x4002] as const;
const [ALERT, HANDSHAKE, APPLICATION_DATA] = [21, 22, 23];
const LIFETIME_SECONDS = 600;
/** Explicit nonce and tag of AES-GCM. */
const GCM_RECORD_BYTES_MIN = 24;
const AES_GCM = 'ECDHE-ECDSA-AES128-GCM-SHA256';

const skip = missingBuild() || missingDtlsClient();

t.test('clients of DTLS that behave badly', { skip }, async (t) => {
  const pki = await TestPki.create(t);
  const tls = tlsKeys(await pki.server());
  const gateway = await startSecureGateway(t, {
    workers: 1,
    listeners: { dtls: { protocol: 'TURN-DTLS', tls }, tls: { protocol: 'TURN-TLS', tls } },
  });
  const open = (t: Test, options: DtlsClientOptions = {}): Promise<Scene> =>
    openScene(t, gateway, { authority: pki.caFile, ...options });

  await t.test('records in one datagram keep their own content', async (t) => {
    const { association, client, peers } = await open(t);
    // So many payloads that they do not fit the slots of one batch, too.
    for (const count of [3, 40]) {
      const texts = Array.from({ length: count }, (_, index) => `payload ${index} of ${count}`);
      association.holdRecords();
      for (const text of texts) client.sendOnChannel(CHANNELS[0], Buffer.from(text));
      association.releaseRecords();
      t.same(await receiveTexts(client, count), texts, `${count} of them, echoed`);
    }
    association.holdRecords();
    const texts = ['to the first', 'to the second', 'to the first again', 'to the second again'];
    for (const [index, text] of texts.entries()) {
      client.sendOnChannel(CHANNELS[index % 2]!, Buffer.from(text));
    }
    association.releaseRecords();
    await receiveTexts(client, texts.length);
    t.same(peers[0].received.slice(-2), [texts[0], texts[2]]);
    t.same(peers[1].received, [texts[1], texts[3]]);
  });

  await t.test('requests and data in one datagram', async (t) => {
    const { association, client } = await open(t);
    association.holdRecords();
    client.sendOnChannel(CHANNELS[0], Buffer.from('before'));
    const bound = client.binding();
    client.sendOnChannel(CHANNELS[1], Buffer.from('after'));
    association.releaseRecords();
    t.equal((await bound).port, association.localPort);
    t.same((await receiveTexts(client, 2)).toSorted(), ['after', 'before']);
  });

  await t.test(
    'what is too long for a client is dropped, and nobody is disconnected',
    async (t) => {
      const narrow = await open(t, { maxFragmentLength: 512 });
      const wide = await open(t);
      const stream = await openOverTls(t, gateway, pki);
      const { relayed } = narrow;
      const [peer] = narrow.peers;
      for (const length of [1000, 509, 513]) peer.send(relayed, 'x'.repeat(length));
      peer.send(relayed, 'y'.repeat(508));
      t.same(await receiveTexts(narrow.client, 1), ['y'.repeat(508)], 'only what fits arrives');
      wide.peers[0].send(wide.relayed, 'z'.repeat(1000));
      t.same(await receiveTexts(wide.client, 1), ['z'.repeat(1000)], 'others get all of it');
      for (const [name, client] of Object.entries({
        narrow: narrow.client,
        wide: wide.client,
        stream,
      })) {
        t.equal(await client.refresh(LIFETIME_SECONDS), LIFETIME_SECONDS, `${name} goes on`);
      }
      t.same(gateway.records('handshake failed'), []);
    },
  );

  await t.test('a live association takes no harm from captured and forged records', async (t) => {
    const { association, client } = await open(t, { ciphers: AES_GCM });
    const { port } = await client.binding();
    const [hello, helloWithCookie] = association.sent as [Buffer, Buffer];
    t.ok(helloWithCookie.length > hello.length, 'the hello with the cookie is captured');
    const alert = recordOf(ALERT, 0, Buffer.of(2, 40));
    const closeNotify = recordOf(ALERT, 0, Buffer.of(1, 0));
    const forged = recordOf(APPLICATION_DATA, 1, Buffer.alloc(64, 7));
    const shortOnes = [ALERT, HANDSHAKE, APPLICATION_DATA].flatMap((contentType) =>
      [0, 1, 8, 16, GCM_RECORD_BYTES_MIN - 1].map((length) =>
        recordOf(contentType, 1, Buffer.alloc(length, 7)),
      ),
    );
    const attacks: Readonly<Record<string, readonly (readonly Uint8Array[])[]>> = {
      'a hello and a short record': shortOnes.map((record) => [helloWithCookie, record]),
      'short records behind another one': shortOnes.map((record) => [forged, record]),
      'a hello behind another record': [[forged, helloWithCookie]],
      'the hello alone, again and again': Array.from({ length: 20 }, () => [helloWithCookie]),
      'the hello twice in a datagram': [[helloWithCookie, helloWithCookie]],
      'a hello and an alert': [
        [helloWithCookie, alert],
        [helloWithCookie, closeNotify],
      ],
      'alerts behind other records': [
        [forged, alert],
        [forged, forged, closeNotify],
        [recordOf(HANDSHAKE, 0, Buffer.alloc(12)), alert],
      ],
      'everything that was sent, again': association.sent.map((record) => [record]),
    };
    for (const [what, datagrams] of Object.entries(attacks)) {
      for (const records of datagrams) association.sendDatagram(Buffer.concat(records));
      // The gateway has read all of the above before it answers this one.
      t.equal(await client.refresh(LIFETIME_SECONDS), LIFETIME_SECONDS, what);
      t.equal((await client.binding()).port, port);
      t.equal(association.closeReason, undefined);
    }
  });

  await t.test('a client is told when the gateway ends', async (t) => {
    const { association } = await open(t);
    const closed = once(association, 'close');
    await gateway.process.child.stop();
    await closed;
    t.equal(association.closeReason, 'close_notify');
  });
});

interface Scene {
  readonly association: DtlsClient;
  /** Has an allocation and a channel for each peer. */
  readonly client: TurnClient;
  /** Echo what they get. */
  readonly peers: readonly [UdpEchoPeer, UdpEchoPeer];
  /** What peers are to send to. */
  readonly relayed: Parameters<UdpEchoPeer['send']>[0];
}

async function openScene(
  t: Test,
  gateway: SecureGateway,
  options: DtlsClientOptions,
): Promise<Scene> {
  const server = gateway.server('dtls');
  const association = await DtlsClient.connect(server, options);
  const credential = ephemeralCredential(gateway.secret, 'alice');
  const client = await TurnClient.open({ server, connection: association, credential });
  t.teardown(() => client.close());
  const { relayed } = await client.allocate();
  const peers = [await openUdpEchoPeer(), await openUdpEchoPeer()] as const;
  t.teardown(() => peers.forEach((peer) => peer.close()));
  for (const [index, { address }] of peers.entries()) {
    await client.channelBind(CHANNELS[index]!, address);
  }
  return { association, client, peers, relayed: relayed[0]! };
}

/** A client of the same worker over TLS, with an allocation. */
async function openOverTls(t: Test, gateway: SecureGateway, pki: TestPki): Promise<TurnClient> {
  const server = gateway.server('tls');
  const connection = connect({ ...server, ca: pki.authority.certificatePem });
  await once(connection, 'secureConnect');
  const credential = ephemeralCredential(gateway.secret, 'bob');
  const client = await TurnClient.open({ server, connection, credential });
  t.teardown(() => client.close());
  await client.allocate();
  return client;
}

async function receiveTexts(client: TurnClient, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) texts.push((await client.receive()).data.toString());
  return texts;
}

let lastSequenceNumber = 1_000_000;

/** A DTLS 1.2 record as anyone can write it, later than any that was seen (RFC 6347 §4.1). */
function recordOf(contentType: number, epoch: number, content: Uint8Array): Buffer {
  const header = Buffer.of(contentType, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0, content.length);
  header.writeUIntBE(++lastSequenceNumber, 5, 6);
  return Buffer.concat([header, content]);
}
