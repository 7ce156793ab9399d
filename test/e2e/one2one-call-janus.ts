import { networkInterfaces } from 'node:os';
import t from 'tap';
import { JanusMediaServer } from '../../examples/one2one-call/media/janus-media-server.ts';
import { childrenOf } from '../support/children-of.ts';
import { freePorts } from '../support/free-ports.ts';
import { missingJanus } from '../support/janus.ts';

/** Janus gathers nothing on loopback. */
const address = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const skip =
  missingJanus() || (address === undefined && 'Janus needs an address that is not loopback');

const DIED = 'the media server has died';

t.test('Janus as the media server of the one-to-one call', { skip }, async (t) => {
  const place = {
    address: address!,
    ports: { min: 12_000, max: 12_999 },
    relayPorts: { min: 61_000, max: 65_535 },
  };
  const apiPort = await freePorts();
  const server = await JanusMediaServer.start({ place, apiPort, folder: t.testdir() });
  t.teardown(() => server.stop());
  const ends: string[] = [];
  const open = () => {
    return server.open({ candidate: () => undefined, ended: (reason) => ends.push(reason) });
  };
  const processes = () => childrenOf(process.pid, 'janus.jcfg');

  const call = await open();
  await t.rejects(call.offer('x'), 'an offer that is none');
  call.close();

  const offered = await open();
  const [first] = processes();
  process.kill(first!, 'SIGKILL');
  await t.rejects(offered.offer('x'), { message: 'the media server does not answer' });
  t.same(ends, [DIED]);
  for (const each of await Promise.all([open(), open()])) each.close();
  t.equal(processes().length, 1, 'two calls after its death start one');

  await server.stop();
  t.same(processes(), [], 'and it ends');
});
