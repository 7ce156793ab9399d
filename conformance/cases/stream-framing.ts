import { expectEqual, expectSuccess, expectThat } from '../expectations.ts';
import type { Topic } from '../conformance-case.ts';
import type { Exchange } from '../exchange.ts';
import { onStreams, onTcp } from '../requirements.ts';
import { channelData, isChannelData, paddedChannelData } from '../wire/channel-data.ts';
import { MessageWriter } from '../wire/message-writer.ts';
import { HEADER_BYTES, METHOD, padded } from '../wire/numbers.ts';
import { attribute } from '../wire/attributes.ts';
import type { ConformanceCase } from '../conformance-case.ts';

const REQUESTS_AT_ONCE = 50;
const CHANNEL = 0x4000;

/** How messages follow each other in a stream. */
export const STREAM_FRAMING: Topic = {
  name: 'stream-framing',
  cases: [
    {
      id: 'stream-one-by-one',
      rfc: 'RFC 8489',
      section: '6.2.2',
      title: 'the connection stays open for a second request',
      requires: [onStreams],
      run: async (session) => {
        const client = await session.stranger();
        for (let count = 0; count < 2; count++) expectSuccess(await client.binding());
      },
    },
    {
      id: 'stream-pipelined',
      rfc: 'RFC 8489',
      section: '6.2.2',
      title: 'each of fifty requests in one write is answered, in their order',
      requires: [onStreams],
      run: async (session) => {
        const client = await session.stranger();
        const sent = Array.from({ length: REQUESTS_AT_ONCE }, request);
        client.link.send(Buffer.concat(sent));
        for (const each of sent) {
          const reply = await client.next('response', () => true);
          expectThat(reply.subarray(8, HEADER_BYTES).equals(idOf(each)), 'another order');
        }
      },
    },
    {
      id: 'stream-byte-by-byte',
      rfc: 'RFC 8489',
      section: '6.2.2',
      title: 'a request that comes byte by byte is answered',
      requires: [onStreams],
      run: async (session) => {
        const client = await session.stranger();
        await expectAnswered(client, request(), [1]);
      },
    },
    {
      id: 'stream-split-anywhere',
      rfc: 'RFC 8489',
      section: '6.2.2',
      title: 'a request that is cut in two at any byte is answered',
      requires: [onStreams],
      run: async (session) => {
        const client = await session.stranger();
        const { length } = request();
        for (let cut = 1; cut < length; cut++)
          await expectAnswered(client, request(), [cut, length]);
      },
    },
    {
      id: 'stream-end-after-request',
      rfc: 'RFC 8489',
      section: '6.2.2',
      title: 'a client that has sent all it will send still gets its response',
      requires: [onTcp],
      run: async (session) => {
        const client = await session.stranger();
        const last = request();
        client.link.send(last);
        client.link.finish();
        expectSuccess(await client.responseTo(last));
      },
    },
    ...[0, 1, 2, 3, 4].map(paddedToServer),
    ...[0, 1, 2, 3, 4].map(paddedToClient),
    {
      id: 'stream-data-and-request',
      rfc: 'RFC 8656',
      section: '12.5',
      title: 'a request right behind ChannelData, in one write, is answered',
      requires: [onStreams],
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        const last = request();
        client.link.send(Buffer.concat([paddedChannelData(CHANNEL, 'five!'), last]));
        expectSuccess(await client.responseTo(last));
        await peer.expect('five!');
      },
    },
    {
      id: 'stream-data-cut',
      rfc: 'RFC 8656',
      section: '12.5',
      title: 'ChannelData that is cut within its header and within its payload arrives whole',
      requires: [onStreams],
      run: async (session) => {
        const { client, peer } = await session.scene();
        await client.bind(CHANNEL, peer.address);
        await sendInParts(client, paddedChannelData(CHANNEL, 'in three parts'), [2, 7, 100]);
        await peer.expect('in three parts');
      },
    },
  ],
};

function paddedToServer(length: number): ConformanceCase {
  return {
    id: `stream-padded-to-server-${length}`,
    rfc: 'RFC 8656',
    section: '12.5',
    title: `padding behind ChannelData of ${length} bytes is not relayed, and not taken for a message`,
    requires: [onStreams],
    run: async (session) => {
      const { client, peer } = await session.scene();
      await client.bind(CHANNEL, peer.address);
      const payload = 'x'.repeat(length);
      client.sendOn(CHANNEL, payload);
      await peer.expect(payload);
      expectSuccess(await client.binding());
    },
  };
}

function paddedToClient(length: number): ConformanceCase {
  return {
    id: `stream-padded-to-client-${length}`,
    rfc: 'RFC 8656',
    section: '12.5',
    title: `ChannelData of ${length} bytes to the client is padded to 4, and its length does not count that`,
    requires: [onStreams],
    run: async (session) => {
      const { client, peer } = await session.scene();
      await client.bind(CHANNEL, peer.address);
      const payload = 'x'.repeat(length);
      peer.send(payload, client.relayFor(peer.address));
      const message = await client.next('ChannelData', isChannelData);
      expectEqual('the length of the message', message.length, padded(4 + length));
      const plain = channelData(CHANNEL, payload);
      expectThat(message.subarray(0, plain.length).equals(plain), 'another message');
      // What is no padding would be taken for the next message.
      expectSuccess(await client.binding());
    },
  };
}

function request(): Buffer {
  return new MessageWriter(METHOD.BINDING).add(attribute(0xfff1, 'cut here')).written();
}

async function expectAnswered(
  client: Exchange,
  message: Buffer,
  ends: readonly number[],
): Promise<void> {
  await sendInParts(client, message, ends);
  expectSuccess(await client.responseTo(message));
}

/** Sends parts that end there, each in a write of its own; a single end is the length of each part. */
async function sendInParts(
  client: Exchange,
  message: Buffer,
  ends: readonly number[],
): Promise<void> {
  const [first = 1] = ends;
  const every = Array.from(
    { length: Math.ceil(message.length / first) },
    (_, n) => (n + 1) * first,
  );
  let start = 0;
  for (const end of ends.length === 1 ? every : ends) {
    client.link.send(message.subarray(start, end));
    start = end;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

function idOf(message: Buffer): Buffer {
  return message.subarray(8, HEADER_BYTES);
}
