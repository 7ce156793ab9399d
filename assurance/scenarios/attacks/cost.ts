import { median } from '../../../bench/measure/statistics.ts';
import type { StunWriter } from '../../../src/stun/message-writer.ts';
import { ATTRIBUTE, METHOD } from '../../../src/stun/registry.ts';
import { Answer } from '../../../test/support/core/answer.ts';
import { validMessages } from '../../../test/support/core/hostile-messages.ts';
import {
  TestClient,
  transport,
  unsigned,
  type Write,
} from '../../../test/support/core/test-client.ts';
import { parseAddress, TurnDriver, type Received } from '../../../test/support/core/turn-driver.ts';
import { usedBytes } from '../../../test/support/heap.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { atLeast, atMost, count } from '../../support/findings.ts';

const REPETITIONS = 3000;
const WARMING = 500;
/** As many as there are ports for when each Allocate request reserves another one. */
const REPETITIONS_PER_ROUND = 400;
const PORTS = 1000;
/** Messages among those that are timed that a server does not refuse; refusals cost less. */
const SERVED_MIN = 60;
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
    return Promise.resolve([...memory, ...worstTime(Math.ceil(REPETITIONS * scale))]);
  },
};

/** Every request that there is, signed in every way, and what is as hard to read as a message can be. */
function worstTime(repetitions: number): readonly Finding[] {
  const kinds = messagesOf(new TestClient(new TurnDriver())).length;
  const timed = Array.from({ length: kinds }, (_, kind) => timeOf(kind, repetitions));
  const usual = median(timed.map(({ microseconds }) => microseconds));
  const worst = timed.toSorted((a, b) => b.microseconds - a.microseconds)[0]!;
  const served = timed.filter(({ isServed }) => isServed).length;
  const factor = worst.microseconds / usual;
  return [
    atLeast('messages timed that are not refused', served, SERVED_MIN, {
      text: `${served} of ${kinds}`,
    }),
    atMost('time of the slowest message, in that of the median one', factor, FACTOR_MAX, {
      text:
        `${factor.toFixed(1)} (${worst.microseconds.toFixed(1)} us for ${worst.what}, ` +
        `median ${usual.toFixed(1)} us of ${kinds} messages)`,
    }),
  ];
}

interface Timed {
  readonly what: string;
  /** The median, so that what the machine does meanwhile does not count. */
  readonly microseconds: number;
  readonly isServed: boolean;
}

function timeOf(kind: number, repetitions: number): Timed {
  const times: number[] = [];
  let what = '';
  let isServed = false;
  for (let left = WARMING + repetitions; left > 0; left -= REPETITIONS_PER_ROUND) {
    const { driver, client, message, undo } = trialOf(kind);
    what = describe(message, undo);
    for (let index = 0; index < Math.min(left, REPETITIONS_PER_ROUND); index++) {
      const start = process.hrtime.bigint();
      const received = driver.receive(client.client, message);
      if (undo !== undefined) driver.receive(client.client, undo);
      times.push(Number(process.hrtime.bigint() - start) / 1000);
      if (index === 0) isServed = isService(received);
      driver.forget();
    }
  }
  return { what, microseconds: median(times.slice(WARMING)), isServed };
}

interface Trial {
  readonly driver: TurnDriver;
  readonly client: TestClient;
  readonly message: Uint8Array;
  /** What makes the message possible once more, timed with it. */
  readonly undo: Uint8Array | undefined;
}

/** An Allocate request comes from a client without an allocation, all else from one that has all there is. */
function trialOf(kind: number): Trial {
  const driver = new TurnDriver({ portCount: PORTS });
  const client = new TestClient(driver);
  const message = messagesOf(client)[kind]!;
  if (typeOf(message) === METHOD.ALLOCATE) {
    return { driver, client, message, undo: client.build(METHOD.REFRESH, ended) };
  }
  client.allocate((writer) => writer.uint8(ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY, 2, 4));
  client.permit('10.0.0.1', 'fd00::1');
  client.bindChannel(0x4000, '10.0.0.1', 1000);
  client.bindChannel(0x7ffe, 'fd00::1', 1000);
  return { driver, client, message, undo: undefined };
}

/** What ends an allocation is left out: it is timed with what begins one. */
function messagesOf(client: TestClient): readonly Uint8Array[] {
  const all = [...validMessages(client), ...laborious(client)];
  return all.filter((message) => !Buffer.from(message).includes(LIFETIME_0));
}

const ended: Write = (writer) => writer.uint32(ATTRIBUTE.LIFETIME, 0);
const LIFETIME_0 = Buffer.from([0, ATTRIBUTE.LIFETIME, 0, 4, 0, 0, 0, 0]);

function isService({ relayed, answers: [answer] }: Received): boolean {
  const isSuccess = answer !== undefined && new Answer(answer).outcome === 'success';
  return relayed !== undefined || isSuccess;
}

function typeOf(message: Uint8Array): number {
  return Buffer.from(message).readUInt16BE();
}

function describe(message: Uint8Array, undo: Uint8Array | undefined): string {
  const type = typeOf(message).toString(16).padStart(4, '0');
  return `${message.length} bytes of type 0x${type}${undo === undefined ? '' : ' and its end'}`;
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
    const before = usedBytes();
    let answered = 0;
    for (const [index, client] of all.entries()) {
      if (client.send(messages[index]!)?.outcome === 'success') answered++;
    }
    driver.forget();
    const each = (usedBytes() - before) / clients;
    const { length } = messages[0]!;
    const factor = each / length;
    const text = `${factor.toFixed(1)} (${count(each)} for ${length} bytes)`;
    const kept = `${what}, bytes kept for each byte sent`;
    const finding = atMost(kept, factor, FACTOR_MAX, { text });
    return { ...finding, holds: finding.holds && answered === clients };
  });
}

function peers(writer: StunWriter): void {
  for (let peer = 1; peer <= PEERS_PER_REQUEST; peer++) {
    writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress(`10.0.2.${peer}`, 0));
  }
}
