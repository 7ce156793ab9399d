import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { CONNECTION_WRITE_BUFFER_BYTES_MAX } from '../../../src/limits.ts';
import { within } from '../../../test/support/child-process.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { LOOPBACK_SERVER } from '../../../test/support/server-under-test.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { Scenario } from '../../scenario.ts';
import { FaultScene, missingForFaults } from '../../support/fault-scene.ts';
import { atLeast, atMost, count } from '../../support/findings.ts';
import { MemoryWatch } from '../../support/memory-watch.ts';

const READERS = 100;
const PACKET = Buffer.alloc(1000, 7);
/** More than the buffers of the kernel take for one connection. */
const PACKETS_EACH = 8000;
/** Of one reader, before the next one has its turn: what a listener takes in a turn. */
const PACKETS_AT_ONCE = 20;
const CHANNEL = 0x4000;
const SLACK_MEGABYTES = 32;
const READS_AGAIN_MS_MAX = 10_000;

interface Reader {
  readonly socket: Socket;
  readonly client: TurnClient;
}

/** TCP clients to which much is relayed, and which read none of it. */
export const slowReaders: Scenario = {
  name: 'slow-readers',
  promise:
    'clients that do not read what is relayed to them cost a bounded amount of memory, and nobody else anything',
  missing: missingForFaults,
  run: ({ scale, progress }) =>
    FaultScene.run({}, async (scene) => {
      // Not that of the live calls, which would lose what is in the queue of their peer.
      const peer = await openUdpEchoPeer();
      scene.owner.teardown(() => peer.close());
      const readers: Reader[] = [];
      for (let index = 0; index < READERS; index++) {
        readers.push(await openReader(scene, `reader-${index}`, peer));
      }
      const memory = new MemoryWatch(scene.pid, scene.owner);
      const packets = Math.ceil(PACKETS_EACH * scale);
      await scene.spare(`beside ${READERS} that do not read`, async () => {
        for (const { socket } of readers) socket.pause();
        for (let sent = 0; sent < packets; sent += PACKETS_AT_ONCE) {
          if (sent % 1000 === 0) progress(`${sent} of ${packets} packets to each`);
          for (const each of readers) await sendSome(each);
          await setImmediate();
        }
        await scene.callAnew();
      });
      const growth = memory.stop() / 2 ** 20;
      const waiting = (READERS * CONNECTION_WRITE_BUFFER_BYTES_MAX) / 2 ** 20;
      scene.findings.push(
        atMost('resident memory, growth at most', growth, waiting + SLACK_MEGABYTES, {
          unit: 'MB',
          text: `${growth.toFixed(1)} MB, ${count(packets)} packets of ${PACKET.length} bytes for each`,
        }),
        atLeast('clients that read again and are served', await readAgain(readers), READERS),
      );
      await Promise.all(readers.map(({ client }) => client.refresh(0)));
      await Promise.all(readers.map(({ client }) => client.close()));
      await scene.expectRecovery();
    }),
};

async function openReader(
  { gateway, owner }: FaultScene,
  user: string,
  peer: UdpEchoPeer,
): Promise<Reader> {
  const { server } = gateway;
  const socket = connect({ ...server, noDelay: true });
  owner.teardown(() => socket.destroy());
  await once(socket, 'connect');
  const credential = ephemeralCredential(LOOPBACK_SERVER.secret, user);
  const client = await TurnClient.open({ server, credential, connection: socket });
  await client.allocate();
  await client.channelBind(CHANNEL, peer.address);
  client.onData = () => undefined;
  return { socket, client };
}

/** Has the peer send some packets back; waits until they have left. */
async function sendSome({ socket, client }: Reader): Promise<void> {
  for (let index = 0; index < PACKETS_AT_ONCE; index++) client.sendOnChannel(CHANNEL, PACKET);
  if (socket.writableLength > 0) await once(socket, 'drain');
}

/** How many are answered once they read. */
async function readAgain(readers: readonly Reader[]): Promise<number> {
  const served = readers.map(async ({ socket, client }) => {
    socket.resume();
    await within(READS_AGAIN_MS_MAX, client.refresh(600), () => 'an answer');
  });
  const results = await Promise.allSettled(served);
  return results.filter(({ status }) => status === 'fulfilled').length;
}
