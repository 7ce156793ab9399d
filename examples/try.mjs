// `npm run try`: what a WebRTC client does, without a browser. It asks a running gateway's ICE API for credentials,
// makes a TURN allocation over UDP, binds a channel to the echo backend and measures a few round trips.
//
//   npm run try [-- ICE_URL [PEER_IP:PORT]]
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { TEXT_ATTRIBUTE_BYTES_MAX } from '../dist/limits.js';
import { readErrorCode, readText, readXorAddress } from '../dist/stun/attributes.js';
import { longTermKey } from '../dist/stun/integrity.js';
import { StunMessage } from '../dist/stun/message.js';
import { StunWriter } from '../dist/stun/message-writer.js';
import { ATTRIBUTE, CLASS, METHOD } from '../dist/stun/registry.js';
import { TransportAddress } from '../dist/stun/transport-address.js';

const ICE_URL = process.argv[2] ?? 'http://127.0.0.1:8088';
const [, PEER_IP, PEER_PORT] = /^(.*):(\d+)$/.exec(process.argv[3] ?? '127.0.0.1:3490') ?? [];
const CHANNEL_NUMBER = 0x4000;
const ROUND_TRIPS = 5;
const ANSWER_MS_MAX = 2000;

const { username, credential, urls } = await fetchIceServer();
const [, host, port] =
  /^turn:\[?([^\]]+?)\]?:(\d+)\?transport=udp$/.exec(
    urls.find((url) => url.endsWith('transport=udp')) ?? '',
  ) ?? fail('the ICE configuration names no UDP listener');
say(`credential of ${username} for ${urls.join(', ')}`);

const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
socket.connect(Number(port), host);
await once(socket, 'connect');

const challenge = await request(METHOD.ALLOCATE, askForUdp);
const realm = readText(challenge, challenge.find(ATTRIBUTE.REALM), TEXT_ATTRIBUTE_BYTES_MAX);
const nonce = readText(challenge, challenge.find(ATTRIBUTE.NONCE), TEXT_ATTRIBUTE_BYTES_MAX);
const key = longTermKey(username, realm, credential, 'MD5');

const allocated = accepted(await request(METHOD.ALLOCATE, signed(askForUdp)));
const relayed = new TransportAddress();
readXorAddress(allocated, allocated.find(ATTRIBUTE.XOR_RELAYED_ADDRESS), relayed);
say(`allocated the relayed transport address ${relayed.toString()}`);

const peer =
  TransportAddress.parse(PEER_IP ?? '', Number(PEER_PORT)) ?? fail('the peer is not IP:PORT');
accepted(
  await request(
    METHOD.CHANNEL_BIND,
    signed((writer) =>
      writer
        .uint16(ATTRIBUTE.CHANNEL_NUMBER, CHANNEL_NUMBER, 4)
        .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, peer),
    ),
  ),
);
say(`bound channel 0x${CHANNEL_NUMBER.toString(16)} to the peer ${peer.toString()}`);

for (let count = 1; count <= ROUND_TRIPS; count++) await echo(count);
await request(
  METHOD.REFRESH,
  signed((writer) => writer.uint32(ATTRIBUTE.LIFETIME, 0)),
);
socket.close();
say('it works: what you sent came back through the gateway');

async function fetchIceServer() {
  const url = `${ICE_URL}/ice?service=turn&username=try&iceTransportPolicy=relay`;
  const response = await fetch(url).catch(() =>
    fail(`no ICE API at ${ICE_URL}; start the gateway with: npm start`),
  );
  if (!response.ok) fail(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()).iceServers[0];
}

function askForUdp(writer) {
  writer.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, 17, 4);
}

function signed(write) {
  return (writer) => {
    write(writer);
    writer
      .text(ATTRIBUTE.USERNAME, username)
      .text(ATTRIBUTE.REALM, realm)
      .text(ATTRIBUTE.NONCE, nonce)
      .integrity(key);
  };
}

async function request(method, write) {
  const writer = new StunWriter(new Uint8Array(1024)).begin(method, CLASS.REQUEST, randomBytes(12));
  write(writer);
  const answer = await exchange(writer.written());
  const message = new StunMessage();
  const failure = message.decode(answer, 0, answer.length);
  return failure === undefined ? message : fail(`the answer is not STUN: ${failure}`);
}

async function echo(count) {
  const payload = Buffer.from(`packet ${count}`.padEnd(100));
  const header = Buffer.alloc(4);
  header.writeUInt16BE(CHANNEL_NUMBER, 0);
  header.writeUInt16BE(payload.length, 2);
  const sentAt = performance.now();
  const answer = await exchange(Buffer.concat([header, payload]));
  if (!answer.subarray(4, 4 + payload.length).equals(payload))
    fail('the peer sent something else back');
  say(
    `${payload.length} bytes to the peer and back in ${(performance.now() - sentAt).toFixed(2)} ms`,
  );
}

async function exchange(bytes) {
  socket.send(bytes);
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  const [answer] = await once(socket, 'message', { signal }).catch(() =>
    fail('no answer; is the route right?'),
  );
  return answer;
}

function accepted(message) {
  if (message.messageClass === CLASS.SUCCESS) return message;
  const { code, reason } = readErrorCode(message, message.find(ATTRIBUTE.ERROR_CODE));
  return fail(`the gateway refuses: ${code} ${reason}`);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

/** @returns {never} ends the process */
function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
