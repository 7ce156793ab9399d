import t from 'tap';
import { checkSupport } from '../../src/sys/libc.ts';
import { sendUnixDatagram } from '../../src/sys/unix-datagram.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';

const skip = missingBuild() || (!checkSupport().supported && 'needs system calls');
const WATCHDOG_USEC = '200000';
const isNoWatchdog = (state: string): boolean => state !== 'WATCHDOG=1';

for (const isAbstract of [false, true]) {
  const where = isAbstract ? 'the abstract namespace' : 'a folder';
  t.test(`sd_notify(3), socket in ${where}`, { skip }, async (t) => {
    const socket = new NotifySocket(t, isAbstract);
    const environment = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC };
    const { process } = await OperatedGateway.start(t, {}, {}, environment);
    t.equal(await socket.next(), 'READY=1', 'when it serves, and not before');
    t.equal(await socket.next(), 'WATCHDOG=1', 'then it is heard of');
    process.child.signal('SIGHUP');
    t.match(await socket.next(isNoWatchdog), /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    t.equal(await socket.next(isNoWatchdog), 'READY=1', 'when it is reloaded');
    process.child.signal('SIGTERM');
    t.equal(await socket.next(isNoWatchdog), 'STOPPING=1');
    t.equal((await process.child.ended).exitCode, 0);
  });
}

t.test('a manager that is slow to listen', { skip }, async (t) => {
  const socket = new NotifySocket(t);
  let waiting = 0;
  t.throws(
    () => {
      for (; waiting < 100_000; waiting++) sendUnixDatagram(socket.path, 'X=1');
    },
    { code: 'EAGAIN' },
  );
  t.ok(waiting > 0, `${waiting} states wait already`);
  const gateway = await OperatedGateway.start(t, {}, {}, { NOTIFY_SOCKET: socket.path });
  t.equal(await gateway.health('ready'), 200, 'it serves meanwhile');
  t.equal(await socket.next((state) => state !== 'X=1'), 'READY=1', 'and says so again');
});

t.test('nobody listens', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, {}, {}, { NOTIFY_SOCKET: '/nonexistent/socket' });
  await gateway.waitForRecords('the service manager is deaf', 1);
  t.equal(await gateway.health('ready'), 200, 'it serves all the same');
});

t.test('the watchdog of another process', { skip }, async (t) => {
  const socket = new NotifySocket(t);
  const environment = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC, WATCHDOG_PID: '1' };
  const { process } = await OperatedGateway.start(t, {}, {}, environment);
  t.equal(await socket.next(), 'READY=1');
  process.child.signal('SIGTERM');
  t.equal(await socket.next(), 'STOPPING=1', 'is not served');
});
