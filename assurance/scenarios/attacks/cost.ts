import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median } from '../../../bench/measure/statistics.ts';
import type { StunWriter } from '../../../src/stun/message-writer.ts';
import { METHOD, ATTRIBUTE } from '../../../src/stun/registry.ts';
import { validMessages } from '../../../test/support/core/hostile-messages.ts';
import {
  TestClient,
  transport,
  unsigned,
  type Write,
} from '../../../test/support/core/test-client.ts';
import { parseAddress, TurnDriver } from '../../../test/support/core/turn-driver.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { atMost, count } from '../../support/finding.ts';

const REPETITIONS = 3000;
const WARMING = 500;
const CLIENTS = 2000;
const FACTOR_MAX = 100;
const PEERS_PER_REQUEST = 60;

/** Nobody gets much work or memory out of a gateway with one small message. */
export const cost: Scenario = {
  name: 'cost',
  promise:
    'no message costs more than a hundred times its bytes of memory, or a hundred times the usual time',
  missing: () => false,
  run: ({ scale, progress }) => {
    // First, while there is little to be collected.
    progress('memory');
    const memory = memoryFindings(CLIENTS);
    progress('time');
    return Promise.resolve([...memory, worstTime(Math.ceil(REPETITIONS * scale))]);
  },
};

/** Every request that there is, signed in every way, and what is as hard to read as a message can be. */
function worstTime(repetitions: number): Finding {
  const driver = new TurnDriver({ portCount: 1000 });
  const client = new TestClient(driver);
  client.allocate();
  const messages = [...validMessages(client), ...laborious(client)];
  const times = messages.map((message) => microseconds(driver, client, message, repetitions));
  const usual = median(times);
  const worst = Math.max(...times);
  const message = messages[times.indexOf(worst)]!;
  const method = Buffer.from(message).readUInt16BE(0).toString(16).padStart(4, '0');
  return atMost(
    'time of the slowest message, in that of the median one',
    worst / usual,
    FACTOR_MAX,
    `${(worst / usual).toFixed(1)} (${worst.toFixed(1)} us for ${message.length} bytes of type 0x${method}, ` +
      `median ${usual.toFixed(1)} us of ${messages.length} messages)`,
  );
}

/** The median, so that what the machine does meanwhile does not count. */
function microseconds(
  driver: TurnDriver,
  client: TestClient,
  message: Uint8Array,
  repetitions: number,
): number {
  const times: number[] = [];
  for (let repetition = -WARMING; repetition < repetitions; repetition++) {
    const start = process.hrtime.bigint();
    driver.receive(client.client, message);
    if (repetition >= 0) times.push(Number(process.hrtime.bigint() - start) / 1000);
    driver.forget();
  }
  return median(times);
}

const long: Write = (writer) => writer.attribute(0x8fff, new Uint8Array(60_000));

function attributes(number: number): Write {
  return (writer) => {
    for (let type = 0x7000; type < 0x7000 + number; type++) {
      writer.attribute(type, new Uint8Array(8));
    }
  };
}

function laborious(client: TestClient): Uint8Array[] {
  return [
    unsigned(METHOD.BINDING, client.nextTransactionId(), attributes(127)),
    client.build(METHOD.ALLOCATE, attributes(120)),
    client.build(METHOD.ALLOCATE, long),
    client.build(METHOD.ALLOCATE, long, { algorithm: 'SHA-256' }),
    client.build(METHOD.ALLOCATE, long, { key: new Uint8Array(16) }),
    client.build(METHOD.ALLOCATE, transport, { username: 'u'.repeat(763) }),
    client.build(METHOD.CREATE_PERMISSION, peers),
  ];
}

interface Kind {
  readonly what: string;
  readonly write: Write;
  readonly method: number;
}

const KINDS: readonly Kind[] = [
  { what: 'Allocate', method: METHOD.ALLOCATE, write: (writer) => transport(writer) },
  {
    what: `CreatePermission for ${PEERS_PER_REQUEST} peers`,
    method: METHOD.CREATE_PERMISSION,
    write: peers,
  },
  {
    what: 'ChannelBind',
    method: METHOD.CHANNEL_BIND,
    write: (writer) => {
      writer.uint16(ATTRIBUTE.CHANNEL_NUMBER, 0x4000, 4);
      writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress('10.0.1.1', 5000));
    },
  },
];

/** What stays on the heap after a request of every client, kind after kind. */
function memoryFindings(clients: number): Finding[] {
  const driver = new TurnDriver({ portCount: clients });
  const all = Array.from(
    { length: clients },
    (_, index) => new TestClient(driver, { ip: `198.51.${100 + (index >> 8)}.${index & 0xff}` }),
  );
  for (const client of all) client.challenge();
  return KINDS.map(({ what, write, method }) => {
    const messages = all.map((client) => client.build(method, write));
    driver.forget();
    const before = heapBytes();
    let answered = 0;
    for (const [index, client] of all.entries()) {
      if (client.send(messages[index]!)?.outcome === 'success') answered++;
    }
    driver.forget();
    const each = (heapBytes() - before) / clients;
    const { length } = messages[0]!;
    const factor = each / length;
    const text = `${factor.toFixed(1)} (${count(each)} for ${length} bytes)`;
    const finding = atMost(`${what}, bytes kept for each byte sent`, factor, FACTOR_MAX, text);
    return { ...finding, holds: finding.holds && answered === clients };
  });
}

function peers(writer: StunWriter): void {
  for (let peer = 1; peer <= PEERS_PER_REQUEST; peer++) {
    writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress(`10.0.2.${peer}`, 0));
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  // Buffers go one collection after the objects that hold them.
  for (let round = 0; round < 3; round++) collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
