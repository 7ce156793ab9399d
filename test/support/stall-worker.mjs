// Preloaded into a gateway by `node --import`: lets a test make the relay worker that serves it stand still.
// A client does so with ChannelData on channel 0x4ffd, which no test binds.
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { TurnServer } from '../../dist/turn/turn-server.js';

const STANDARD_ERROR = 2;
const STALL_CHANNEL = 0x4ffd;
const STALL_MS = 60_000;

if (!isMainThread) {
  const handle = Reflect.get(TurnServer.prototype, 'handleClientMessage');
  TurnServer.prototype.handleClientMessage = function (client, bytes, offset, ...rest) {
    if (((bytes[offset] << 8) | bytes[offset + 1]) === STALL_CHANNEL) {
      writeSync(STANDARD_ERROR, 'a worker stands still\n');
      const until = performance.now() + STALL_MS;
      while (performance.now() < until);
    }
    return handle.call(this, client, bytes, offset, ...rest);
  };
}
