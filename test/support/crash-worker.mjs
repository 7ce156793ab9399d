// Preloaded into a gateway by `node --import`: lets a test ask which relay worker serves it, and end that worker.
// A client does so with ChannelData on channel 0x4ffe (ask) and 0x4fff (crash), which no test binds.
import { writeSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';
import { TurnServer } from '../../dist/turn/turn-server.js';

const STANDARD_ERROR = 2;
const ASK_CHANNEL = 0x4ffe;
const CRASH_CHANNEL = 0x4fff;

if (!isMainThread) {
  const handle = Reflect.get(TurnServer.prototype, 'handleClientMessage');
  TurnServer.prototype.handleClientMessage = function (client, bytes, offset, ...rest) {
    const channel = (bytes[offset] << 8) | bytes[offset + 1];
    if (channel === ASK_CHANNEL) {
      const who = `${client.endpoint.transport} client ${client.address.toString()}`;
      writeSync(STANDARD_ERROR, `${who} is served by ${workerData.setup.worker}\n`);
    }
    if (channel === CRASH_CHANNEL) throw new Error('a test ends this worker');
    return handle.call(this, client, bytes, offset, ...rest);
  };
}
