import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { ephemeralCredential } from '../support/credentials.ts';
import { freePorts } from '../support/free-ports.ts';
import { configurationFor, missingBuild, startReady } from '../support/gateway-process.ts';
import { poll } from '../support/poll.ts';
import { openDescriptors } from '../support/process-usage.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

/** A client without an allocation is read in pieces of less. */
const FRAMES = 12;
const FRAME_BYTES = 1004;

const skip = missingBuild() || (process.platform !== 'linux' && 'descriptors are counted in /proc');

t.test('a stream is closed that ends behind more than one read takes', { skip }, async (t) => {
  const port = await freePorts(2);
  const gateway = await startReady(configurationFor(LOOPBACK_SERVER, port, port + 1));
  t.teardown(() => gateway.stop());
  const { child } = gateway;
  const before = openDescriptors(child.pid);
  const server = { host: '127.0.0.1', port };
  const connection = connect({ ...server, noDelay: true });
  t.teardown(() => void connection.destroy());
  await once(connection, 'connect');
  const client = await TurnClient.open({
    server,
    transport: 'tcp',
    connection,
    credential: ephemeralCredential(LOOPBACK_SERVER.secret, 'alice'),
  });
  // Whoever has said something sensible is not sent away before long.
  await client.binding();
  t.equal(openDescriptors(child.pid), before + 1);

  child.signal('SIGSTOP');
  client.sendRaw(framesOfNoChannel());
  connection.end();
  await once(connection, 'finish');
  child.signal('SIGCONT');
  await poll(
    () => openDescriptors(child.pid),
    (count) => count === before,
  );
  t.pass('closed');
});

/** ChannelData of a client without an allocation is dropped in silence. */
function framesOfNoChannel(): Uint8Array {
  const frames = Buffer.alloc(FRAMES * FRAME_BYTES);
  for (let frame = 0; frame < FRAMES; frame++) {
    frames.writeUInt16BE(0x4000, frame * FRAME_BYTES);
    frames.writeUInt16BE(FRAME_BYTES - 4, frame * FRAME_BYTES + 2);
  }
  return frames;
}
