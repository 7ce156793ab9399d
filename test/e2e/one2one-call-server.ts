import { once } from 'node:events';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { RTCPeerConnection } from 'werift';
import { WeriftMediaServer } from '../../examples/one2one-call/media/werift-media-server.ts';
import { ApplicationServer } from '../../examples/one2one-call/server/application-server.ts';
import {
  fetchIceConfiguration,
  type IceConfiguration,
} from '../../examples/one2one-call/server/ice-api.ts';
import { parseMessage } from '../../examples/one2one-call/server/messages.ts';
import { Switchboard } from '../../examples/one2one-call/server/switchboard.ts';
import { CallClient } from '../support/call-client.ts';
import { childrenOf } from '../support/children-of.ts';
import { freePorts } from '../support/free-ports.ts';
import { poll } from '../support/poll.ts';

const ICE: IceConfiguration = {
  iceServers: [{ urls: ['turn:127.0.0.1?transport=udp'], username: 'u', credential: 'c' }],
  iceTransportPolicy: 'relay',
  expiresAt: 2_000_000_000,
};
const PLACE = {
  address: '127.0.0.1',
  ports: { min: 11_000, max: 11_999 },
  relayPorts: { min: 61_000, max: 65_535 },
};
const OTHER_ORIGIN = 'https://example.net';
/** As many as the server takes. */
const BROWSERS_MAX = 500;
/** Opens a WebSocket, and sends a frame that no client may send, as it has no mask. */
const BAD_CLIENT = [
  'GET /one2one HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '',
  '\x81\x01x',
].join('\r\n');

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
    const candidate = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 };
    const said = { id: 'onIceCandidate', candidate: { ...candidate, usernameFragment: 'u' } };
    const read = parseMessage(JSON.stringify(said));
    t.same(read, { id: 'onIceCandidate', candidate }, 'what is not known goes no further');
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

  await t.test('a name that is asked for again before the first answer', async (t) => {
    const answers: ((answer: Promise<IceConfiguration>) => void)[] = [];
    const other = await start(() => new Promise((resolve) => answers.push(resolve)));
    const client = await CallClient.open(other);
    for (let count = 1; count <= 2; count++) client.send({ id: 'register', name: 'alice' });
    await poll(
      () => answers.length,
      (count) => count === 2,
    );
    answers[0]!(Promise.reject(new Error('not now')));
    t.match(await client.next('registerResponse'), { response: 'rejected', message: 'not now' });
    answers[1]!(Promise.resolve(ICE));
    client.send({ id: 'call', to: 'bob', sdpOffer: 'v=0' });
    t.match(await client.next('callResponse'), { message: 'register first' }, 'nobody has it');
  });

  await t.test('too many browsers', async (t) => {
    const other = await start(() => Promise.resolve(ICE));
    const all = Array.from({ length: BROWSERS_MAX }, () => CallClient.open(other));
    const clients = await Promise.all(all);
    const refused = await CallClient.open(other);
    t.same(await once(refused.socket, 'close'), [1013, Buffer.alloc(0)]);
    const bad = connect({ host: '127.0.0.1', port: other }).resume();
    bad.write(BAD_CLIENT, 'latin1');
    await once(bad, 'close');
    clients[0]!.send({});
    await t.resolves(clients[0]!.next('error'), 'the others are served');
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

  await t.test('who may answer', async (t) => {
    const gina = await CallClient.register(port, 'gina');
    const hugo = await CallClient.register(port, 'hugo');
    const iris = await CallClient.register(port, 'iris');
    const sdpOffer = 'v=0';
    gina.send({ id: 'call', to: 'iris', sdpOffer });
    await iris.next('incomingCall');
    gina.send({ id: 'stop' });
    await iris.next('stopCommunication');
    hugo.send({ id: 'call', to: 'iris', sdpOffer });
    t.match(await iris.next('incomingCall'), { from: 'hugo' });
    const answer = { id: 'incomingCallResponse', callResponse: 'reject' };
    iris.send({ ...answer, from: 'gina' });
    hugo.send({ ...answer, from: 'hugo', callResponse: 'accept', sdpOffer });
    // Whatever was to come of these would come before this.
    for (const each of [iris, hugo]) {
      each.send({});
      await each.next('error');
    }
    iris.send({ ...answer, from: 'hugo' });
    t.match(await hugo.next('callResponse'), { response: 'rejected', message: 'iris declined' });
  });

  await t.test('offers and answers', async (t) => {
    const erin = await CallClient.register(port, 'erin');
    const frank = await CallClient.register(port, 'frank');
    erin.send({ id: 'call', to: 'frank', sdpOffer: 'nonsense' });
    await frank.next('incomingCall');
    const accept = { id: 'incomingCallResponse', from: 'erin', callResponse: 'accept' };
    frank.send({ ...accept, sdpOffer: 'nonsense' });
    t.match(await erin.next('callResponse'), { response: 'rejected' }, 'nonsense');
    await frank.next('stopCommunication');

    const [own, others] = [await offer(t), await offer(t)];
    const talk = async () => {
      erin.send({ id: 'call', to: 'frank', sdpOffer: own });
      await frank.next('incomingCall');
      frank.send({ ...accept, sdpOffer: others });
      const address = /\r\na=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 11\d{3} typ host/;
      t.match((await frank.next('startCommunication'))['sdpAnswer'], address);
      t.match(await erin.next('callResponse'), { response: 'accepted', sdpAnswer: address });
    };
    await talk();
    const [media] = childrenOf(process.pid, 'werift-process');
    process.kill(media!, 'SIGKILL');
    const message = 'the media server has died';
    for (const each of [erin, frank]) t.match(await each.next('stopCommunication'), { message });
    await talk();
    erin.send({ id: 'stop', failed: true });
    t.match(await frank.next('stopCommunication'), { message: 'erin cannot go on with it' });
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
