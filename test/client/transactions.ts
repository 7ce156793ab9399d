import t from 'tap';
import { Challenge } from '../../src/client/challenge.ts';
import { ClientError, ResponseError } from '../../src/client/client-error.ts';
import {
  nextTransmissionMs,
  RETRANSMIT_MS,
  TRANSMISSIONS_MAX,
} from '../../src/client/retransmission.ts';
import { RejectedRequest, Transactions } from '../../src/client/transactions.ts';
import { longTermKey } from '../../src/stun/integrity.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { StunMessage } from '../../src/stun/message.ts';
import {
  ATTRIBUTE,
  CLASS,
  METHOD,
  type MessageClass,
  type PasswordAlgorithm,
} from '../../src/stun/registry.ts';
import { addressFrom } from '../support/turn-client.ts';

const CREDENTIAL = { username: 'alice', password: 'canary-password' };
const REALM = 'example.org';
/** `obMatJos2` and the bit for password algorithms, as in RFC 8489 appendix B.1. */
const NONCE_WITH_ALGORITHMS = 'obMatJos2AAABrest';

type Write = (writer: StunWriter) => void;

/** Requests whose answers are written by the test; `isReliable` so that each is sent once. */
function openTransactions(answer: (request: StunMessage) => StunMessage | undefined): {
  transactions: Transactions;
  requests: StunMessage[];
} {
  const requests: StunMessage[] = [];
  const transactions: Transactions = new Transactions({
    isReliable: true,
    requestMs: 20,
    send: (bytes) => {
      const request = decoded(bytes);
      requests.push(request);
      const response = answer(request);
      if (response !== undefined) setImmediate(() => transactions.onResponse(response));
    },
  });
  return { transactions, requests };
}

function decoded(bytes: Uint8Array): StunMessage {
  const message = new StunMessage();
  const failure = message.decode(bytes, 0, bytes.length);
  if (failure !== undefined) throw new Error(failure);
  return message;
}

function responseTo(request: StunMessage, messageClass: MessageClass, write: Write): StunMessage {
  const writer = new StunWriter(new Uint8Array(1024));
  writer.begin(request.method, messageClass, request.copyTransactionId());
  write(writer);
  return decoded(writer.written());
}

function challengeWith(write: Write): Challenge {
  const request = decoded(
    new StunWriter(new Uint8Array(64))
      .begin(METHOD.ALLOCATE, CLASS.REQUEST, new Uint8Array(12))
      .written(),
  );
  return new Challenge(responseTo(request, CLASS.ERROR, write), CREDENTIAL);
}

const nothing = (): void => undefined;

t.test('a success response ends a request', async (t) => {
  const { transactions } = openTransactions((request) =>
    responseTo(request, CLASS.SUCCESS, (writer) => writer.uint32(ATTRIBUTE.LIFETIME, 7)),
  );
  const response = await transactions.request(METHOD.REFRESH, nothing, undefined);
  t.not(response.find(ATTRIBUTE.LIFETIME), -1);
});

t.test('error responses are typed', async (t) => {
  const other = addressFrom('192.0.2.7', 3479);
  const { transactions } = openTransactions((request) =>
    responseTo(request, CLASS.ERROR, (writer) =>
      writer
        .errorCode(300, 'Try\u001B[31m Alternate')
        .address(ATTRIBUTE.ALTERNATE_SERVER, other)
        .text(ATTRIBUTE.ALTERNATE_DOMAIN, 'other.example.org'),
    ),
  );
  const error: unknown = await transactions
    .request(METHOD.ALLOCATE, nothing, undefined)
    .catch((reason: unknown) => reason);
  if (!(error instanceof RejectedRequest)) throw new Error('not rejected as it should be');
  t.ok(error instanceof ResponseError);
  t.equal(error.code, 300);
  t.equal(error.message, 'Allocate: 300 Try?[31m Alternate', 'safe for a terminal');
  t.equal(error.alternate?.address.toString(), '192.0.2.7:3479');
  t.equal(error.alternate?.domain, 'other.example.org');
  t.equal(error.isAuthenticated, false);
});

t.test('what is no answer', async (t) => {
  const silent = openTransactions(() => undefined);
  const request = (): Promise<StunMessage> =>
    silent.transactions.request(METHOD.BINDING, nothing, undefined);
  await t.rejects(request(), { kind: 'timeout', message: 'Binding: no answer within 0.02 s' });
  const stranger = responseTo(silent.requests[0]!, CLASS.SUCCESS, nothing);
  silent.transactions.onResponse(stranger);

  const codeless = openTransactions((message) => responseTo(message, CLASS.ERROR, nothing));
  await t.rejects(codeless.transactions.request(METHOD.BINDING, nothing, undefined), {
    kind: 'protocol',
    message: /without an error code/,
  });

  const pending = request();
  silent.transactions.end(new ClientError('closed', 'gone'));
  await t.rejects(pending, { kind: 'closed', message: 'gone' });
  await t.rejects(request(), { kind: 'closed', message: 'gone' }, 'later ones fail as well');
});

t.test('signed requests want signed answers', async (t) => {
  const cases: [PasswordAlgorithm, Write][] = [
    ['MD5', (writer) => writer.text(ATTRIBUTE.REALM, REALM).text(ATTRIBUTE.NONCE, 'n')],
    [
      'SHA-256',
      (writer) =>
        writer
          .text(ATTRIBUTE.REALM, REALM)
          .text(ATTRIBUTE.NONCE, NONCE_WITH_ALGORITHMS)
          .passwordAlgorithms(['SHA-256', 'MD5']),
    ],
  ];
  for (const [algorithm, write] of cases) {
    const challenge = challengeWith(write);
    t.equal(challenge.algorithm, algorithm);
    for (const password of [CREDENTIAL.password, 'other']) {
      const key = longTermKey(CREDENTIAL.username, REALM, password, algorithm);
      const { transactions } = openTransactions((request) =>
        responseTo(request, CLASS.SUCCESS, (writer) =>
          algorithm === 'MD5' ? writer.integrity(key) : writer.integritySha256(key),
        ),
      );
      const answer = transactions.request(METHOD.REFRESH, nothing, challenge);
      if (password === CREDENTIAL.password) await t.resolves(answer);
      else await t.rejects(answer, { kind: 'protocol', message: /not signed with our key/ });
    }
  }
});

t.test('challenges that are not taken', (t) => {
  const cases: [RegExp, Write][] = [
    [/no usable REALM/, (writer) => writer.text(ATTRIBUTE.NONCE, 'n')],
    [/no usable NONCE/, (writer) => writer.text(ATTRIBUTE.REALM, REALM)],
    [
      /announces password algorithms and lists none/,
      (writer) => writer.text(ATTRIBUTE.REALM, REALM).text(ATTRIBUTE.NONCE, NONCE_WITH_ALGORITHMS),
    ],
    [
      /offers no password algorithm/,
      (writer) =>
        writer
          .text(ATTRIBUTE.REALM, REALM)
          .text(ATTRIBUTE.NONCE, NONCE_WITH_ALGORITHMS)
          .uint32(ATTRIBUTE.PASSWORD_ALGORITHMS, 0x00990000),
    ],
  ];
  for (const [words, write] of cases) {
    t.throws(() => challengeWith(write), { kind: 'protocol', message: words });
  }
  t.end();
});

t.test('transmissions follow RFC 8489 §6.2.1', (t) => {
  const waits = Array.from({ length: TRANSMISSIONS_MAX }, (_, index) =>
    nextTransmissionMs(index + 1),
  );
  t.strictSame(waits, [500, 1000, 2000, 4000, 8000, 16_000, undefined]);
  t.equal(RETRANSMIT_MS, 500);
  t.end();
});

t.test('an error without a reason has that of its code', (t) => {
  const extra = { isAuthenticated: false };
  const texts: [number, string, string][] = [
    [401, '', 'Allocate: 401 Unauthenticated'],
    [437, '', 'Allocate: 437 Allocation Mismatch'],
    [401, 'Unauthorized', 'Allocate: 401 Unauthorized'],
    [699, '', 'Allocate: 699'],
  ];
  for (const [code, reason, text] of texts) {
    t.equal(new ResponseError('Allocate', { code, reason }, extra).message, text);
  }
  t.end();
});
