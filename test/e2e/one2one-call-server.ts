import { once } from 'node:events';
import t, { type Test } from 'tap';
import { RTCPeerConnection } from 'werift';
import { WeriftMediaServer } from '../../examples/one2one-call/media/werift-media-server.ts';
import { ApplicationServer } from '../../examples/one2one-call/server/application-server.ts';
import {
  fetchIceConfiguration,
  type IceConfiguration,
} from '../../examples/one2one-call/server/ice-api.ts';
import { Switchboard } from '../../examples/one2one-call/server/switchboard.ts';
import { CallClient } from '../support/call-client.ts';
import { freePorts } from '../support/free-ports.ts';

const ICE: IceConfiguration = {
  iceServers: [{ urls: ['turn:127.0.0.1?transport=udp'], username: 'u', credential: 'c' }],
  iceTransportPolicy: 'relay',
  expiresAt: 2_000_000_000,
};
const PLACE = {
  address: '127.0.0.1',
  ports: { min: 21_000, max: 21_999 },
  relayPorts: { min: 61_000, max: 65_535 },
};
const OTHER_ORIGIN = 'https://example.net';

t.test('the application server of the one-to-one call', async (t) => {
  const mediaServer = new WeriftMediaServer(PLACE);
  t.teardown(() => mediaServer.stop());
  const start = async (iceConfiguration: (user: string) => Promise<IceConfiguration>) => {
    const port = await freePorts();
    const server = await ApplicationServer.start({
      switchboard: new Switchboard({ iceConfiguration, mediaServer }),
      host: '127.0.0.1',
      port,
      certificate: undefined,
      origins: [OTHER_ORIGIN],
    });
    t.teardown(() => server.stop());
    return port;
  };
  const port = await start(() => Promise.resolve(ICE));

  await t.test('files of the page', (t) => checkFiles(t, `http://127.0.0.1:${port}`));

  await t.test('messages that are none', async (t) => {
    const client = await CallClient.open(port);
    for (const [message, problem] of [
      ['{', /not JSON/],
      ['null', /no message with this id/],
      [{ id: 'presenter' }, /no message with this id/],
      [{ id: 'register' }, /^register: .*name/],
      [{ id: 'register', name: '' }, /^register: .*name/],
      [{ id: 'register', name: 'a\u0000b' }, /^register: .*name/],
      [{ id: 'register', name: 'a'.repeat(33) }, /^register: .*name/],
      [{ id: 'call', to: 'bob' }, /^call: .*sdpOffer/],
      [{ id: 'onIceCandidate', candidate: 'here' }, /^onIceCandidate: .*candidate/],
    ] as const) {
      client.send(message);
      t.match((await client.next('error'))['message'], problem, JSON.stringify(message));
    }
    client.send('x'.repeat(200_000));
    const [code] = (await once(client.socket, 'close')) as [number];
    t.equal(code, 1009, 'and one that is too long');
  });

  await t.test('pages of others', async (t) => {
    await t.rejects(CallClient.open(port, 'https://evil.example'), /401/);
    await t.resolves(CallClient.open(port, `http://127.0.0.1:${port}`), 'its own');
    await t.resolves(CallClient.open(port, OTHER_ORIGIN), 'one that is allowed');
  });

  await t.test('no ICE configuration', async (t) => {
    const [dead, nowhere] = [await freePorts(), await freePorts()];
    let endpoint = `http://127.0.0.1:${dead}`;
    const other = await start((user) => fetchIceConfiguration(endpoint, user));
    const client = await CallClient.open(other);
    client.send({ id: 'register', name: 'alice' });
    t.match(await client.next('registerResponse'), {
      response: 'rejected',
      message: 'the ICE API of the gateway does not answer',
    });
    endpoint = `http://127.0.0.1:${port}/nothing-${nowhere}`;
    client.send({ id: 'register', name: 'alice' });
    t.match(await client.next('registerResponse'), {
      response: 'rejected',
      message: /answers 404/,
    });
  });

  await t.test('who can be called', async (t) => {
    const stranger = await CallClient.open(port);
    stranger.send({ id: 'call', to: 'bob', sdpOffer: 'v=0' });
    t.match(await stranger.next('callResponse'), { message: 'register first' });
    const alice = await CallClient.register(port, 'alice');
    const bob = await CallClient.register(port, 'bob');
    const carol = await CallClient.register(port, 'carol');
    stranger.send({ id: 'register', name: 'alice' });
    t.match(await stranger.next('registerResponse'), {
      response: 'rejected',
      message: /^somebody is registered as alice already/,
    });
    alice.send({ id: 'register', name: 'alice' });
    t.match(await alice.next('registerResponse'), { response: 'accepted' }, 'a new credential');
    alice.send({ id: 'register', name: 'dora' });
    t.match(await alice.next('registerResponse'), { message: /as alice already/ });
    const expectRefused = async (client: CallClient, to: string, message: string) => {
      client.send({ id: 'call', to, sdpOffer: 'v=0' });
      t.match(await client.next('callResponse'), { response: 'rejected', message }, message);
    };
    await expectRefused(alice, 'alice', 'you cannot call yourself');
    await expectRefused(alice, 'nobody', 'nobody is registered as nobody');
    alice.send({ id: 'call', to: 'bob', sdpOffer: 'v=0' });
    t.match(await bob.next('incomingCall'), { from: 'alice' });
    await expectRefused(carol, 'bob', 'bob is in another call');
    await expectRefused(alice, 'carol', 'you are in a call already');
    bob.send({ id: 'stop' });
    t.match(await alice.next('callResponse'), { response: 'rejected', message: 'bob hung up' });
    alice.send({ id: 'call', to: 'bob', sdpOffer: 'v=0' });
    await bob.next('incomingCall');
    alice.socket.terminate();
    t.match(await bob.next('stopCommunication'), { message: 'the connection to alice is lost' });
    await t.resolves(CallClient.register(port, 'alice'), 'the name is free again');
  });

  await t.test('offers and answers', async (t) => {
    const erin = await CallClient.register(port, 'erin');
    const frank = await CallClient.register(port, 'frank');
    erin.send({ id: 'call', to: 'frank', sdpOffer: 'nonsense' });
    await frank.next('incomingCall');
    frank.send({ id: 'incomingCallResponse', callResponse: 'accept', sdpOffer: 'nonsense' });
    t.match(await erin.next('callResponse'), { response: 'rejected' }, 'nonsense');
    await frank.next('stopCommunication');

    erin.send({ id: 'call', to: 'frank', sdpOffer: await offer(t) });
    await frank.next('incomingCall');
    const sdpOffer = await offer(t);
    frank.send({ id: 'incomingCallResponse', callResponse: 'accept', sdpOffer });
    const own = /\r\na=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 21\d{3} typ host/;
    t.match((await frank.next('startCommunication'))['sdpAnswer'], own);
    t.match(await erin.next('callResponse'), { response: 'accepted', sdpAnswer: own });
    erin.send({ id: 'stop' });
    t.match(await frank.next('stopCommunication'), { message: 'erin hung up' });
  });
});

async function checkFiles(t: Test, url: string): Promise<void> {
  const page = await fetch(url);
  t.equal(page.status, 200);
  t.match(page.headers.get('content-security-policy'), /^default-src 'none'; script-src 'self'/);
  const text = await page.text();
  const named = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, name]) => name!);
  t.ok(named.includes('app.js'));
  const modules = ['path.js', 'peer.js', 'signalling.js', 'view.js'];
  for (const name of [...named, ...modules]) {
    const { status, headers } = await fetch(`${url}/${name}`);
    t.match(
      { status, type: headers.get('content-type') },
      { status: 200, type: /^(?:text|image)/ },
    );
  }
  for (const name of ['main.ts', '../main.ts', '..%2fmain.ts', 'app.js/', 'constructor']) {
    t.equal((await fetch(`${url}/${name}`)).status, 404, name);
  }
  t.equal((await fetch(url, { method: 'POST' })).status, 405);
}

async function offer(t: Test): Promise<string> {
  const connection = new RTCPeerConnection({ iceServers: [] });
  t.teardown(() => connection.close());
  connection.addTransceiver('audio');
  connection.addTransceiver('video');
  return (await connection.createOffer()).sdp;
}
