import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { freePorts } from '../support/free-ports.ts';
import { configurationFor, missingBuild, startReady } from '../support/gateway-process.ts';
import { LOOPBACK_SERVER, type IceServer } from '../support/server-under-test.ts';
import { addressFrom, TurnClient } from '../support/turn-client.ts';

const API_KEY = 'a-key-for-tests-only';
const skip = missingBuild();

interface IceAnswer {
  readonly iceServers: readonly IceServer[];
  readonly iceTransportPolicy: string;
}

t.test('a credential from the ICE API relays', { skip }, async (t) => {
  const port = await freePorts(2);
  const configuration = configurationFor(LOOPBACK_SERVER, port, port + 1);
  const gateway = await startReady({
    ...configuration,
    ice: { ...configuration.ice, api_keys: [API_KEY] },
  });
  t.teardown(() => gateway.stop());
  const peer = createSocket('udp4', (data, from) => peer.send(data, from.port, from.address));
  t.teardown(() => peer.close());
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const url = `${configuration.ice.endpoint}/ice?service=turn&username=alice&iceTransportPolicy=relay`;

  const refusals = [
    { name: 'no key', suffix: '', headers: {} },
    { name: 'a wrong key in the query', suffix: '&key=wrong', headers: {} },
    { name: 'a wrong bearer token', suffix: '', headers: { authorization: 'Bearer wrong' } },
  ];
  for (const { name, suffix, headers } of refusals) {
    const response = await fetch(url + suffix, { headers });
    t.equal(response.status, 401, name);
    t.notMatch(await response.text(), /credential"/, `${name}: no credential`);
  }

  const admissions = [
    { name: 'key in the query', suffix: `&key=${API_KEY}`, headers: {} },
    { name: 'bearer token', suffix: '', headers: { authorization: `Bearer ${API_KEY}` } },
  ];
  for (const { name, suffix, headers } of admissions) {
    await t.test(name, async (t) => {
      const response = await fetch(url + suffix, { headers });
      t.equal(response.status, 200);
      const answer = (await response.json()) as IceAnswer;
      t.equal(answer.iceTransportPolicy, 'relay');
      const [iceServer] = answer.iceServers;
      t.same(
        new Set(iceServer?.urls),
        new Set([`turn:127.0.0.1:${port}?transport=tcp`, `turn:127.0.0.1:${port}?transport=udp`]),
      );
      const { username = '', credential = '' } = iceServer ?? {};
      for (const transport of ['udp', 'tcp'] as const) {
        const client = await TurnClient.open({
          server: { host: '127.0.0.1', port },
          transport,
          credential: { username, password: credential },
        });
        t.teardown(() => client.close());
        await client.allocate();
        await client.channelBind(0x4000, addressFrom('127.0.0.1', peer.address().port));
        client.sendOnChannel(0x4000, Buffer.from(name));
        t.equal((await client.receive()).data.toString(), name, `echo over ${transport}`);

        const forger = await TurnClient.open({
          server: { host: '127.0.0.1', port },
          transport,
          credential: { username, password: `${credential}x` },
        });
        t.teardown(() => forger.close());
        await t.rejects(forger.allocate(), { code: 401 }, `a changed password over ${transport}`);
      }
    });
  }
});
