import t from 'tap';
import { createCredentialPolicy } from '../../src/auth/credential-policy.ts';
import { StunMessage } from '../../src/stun/message.ts';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD, type MessageClass } from '../../src/stun/registry.ts';
import { Client, ServerEndpoint } from '../../src/turn/allocation.ts';
import { Answer } from '../support/core/answer.ts';
import {
  TestClient,
  transport,
  unsigned,
  type SigningOptions,
  type Write,
} from '../support/core/test-client.ts';
import { authOptions, parseAddress, REALM, TurnDriver } from '../support/core/turn-driver.ts';

const CHALLENGE = [
  ATTRIBUTE.ERROR_CODE,
  ATTRIBUTE.REALM,
  ATTRIBUTE.NONCE,
  ATTRIBUTE.PASSWORD_ALGORITHMS,
];
const TID = new Uint8Array(12).fill(9);

t.test('the challenge', (t) => {
  const client = new TestClient(new TurnDriver());
  for (const method of [
    METHOD.ALLOCATE,
    METHOD.REFRESH,
    METHOD.CREATE_PERMISSION,
    METHOD.CHANNEL_BIND,
  ]) {
    const answer = client.send(unsigned(method, TID))!;
    t.equal(answer.outcome, 401, 'RFC 8489 §9.2.4: no integrity is 401');
    t.equal(answer.message.method, method);
    t.strictSame(
      answer.types,
      CHALLENGE,
      'RFC 8489 §9.2.4: no USERNAME, USERHASH or integrity in a 401',
    );
    t.equal(answer.text(ATTRIBUTE.REALM), REALM);
    t.equal(answer.hex(ATTRIBUTE.PASSWORD_ALGORITHMS), '0002000000010000', 'RFC 8489 §14.11');
    t.ok(answer.bytes.length <= 92, 'at most 4.6 times the 20 bytes asked with');
    t.strictSame(answer.message.copyTransactionId(), TID);
  }
  const rows = [
    { static: true, algorithms: ['MD5'], features: 'AAAD', name: 'both feature bits' },
    { static: false, algorithms: ['MD5'], features: 'AAAB', name: 'no username anonymity' },
    { static: true, algorithms: [], features: 'AAAC', name: 'no password algorithms' },
    { static: false, algorithms: [], features: 'AAAA', name: 'no features' },
  ] as const;
  for (const row of rows) {
    const type = row.static ? 'static' : 'ephemeral';
    const driver = new TurnDriver({
      auth: { type, secrets: ['secret'], algorithms: row.algorithms },
    });
    const answer = new TestClient(driver).challenge();
    t.match(
      answer.text(ATTRIBUTE.NONCE),
      new RegExp(`^obMatJos2${row.features}.{16}$`),
      `§9.2: ${row.name}`,
    );
    t.equal(answer.has(ATTRIBUTE.PASSWORD_ALGORITHMS), row.algorithms.length > 0, row.name);
  }
  t.end();
});

t.test('MD5 is implied only where it is offered', (t) => {
  for (const [algorithms, outcome] of [
    [['SHA-256', 'MD5'], 'success'],
    [['MD5'], 'success'],
    [['SHA-256'], 400],
  ] as const) {
    const client = new TestClient(new TurnDriver({ auth: { algorithms } }));
    client.challenge();
    t.equal(client.allocate()!.outcome, outcome, `RFC 8489 §9.2.4: ${algorithms.join(', ')}`);
  }
  t.end();
});

t.test('nonces', (t) => {
  const driver = new TurnDriver();
  const alice = new TestClient(driver, { port: 40_000 });
  const other = new TestClient(driver, { port: 40_001 });
  const third = new TestClient(driver, { ip: '198.51.100.2', port: 40_000 });
  for (const client of [alice, other, third]) client.challenge();
  t.equal(
    new Set([alice, other, third].map(({ nonce }) => nonce)).size,
    3,
    '§9.2.4: one per client',
  );
  t.equal(driver.server.allocationCount, 0);
  t.equal(driver.server.pollTimeout(), undefined, 'a stranger leaves nothing behind');

  const nonce = alice.nonce!;
  const foreign = [
    ['of another port', other.nonce!],
    ['of another address', third.nonce!],
    ['with another cookie', `obMatJos3${nonce.slice(9)}`],
    ['with feature bits cleared', `obMatJos2AAAA${nonce.slice(13)}`],
    ['with another feature bit', `obMatJos2wAAB${nonce.slice(13)}`],
    [
      'with another time',
      `${nonce.slice(0, 17)}${nonce[17] === 'A' ? 'B' : 'A'}${nonce.slice(18)}`,
    ],
    ['with another MAC', `${nonce.slice(0, -1)}${nonce.endsWith('A') ? 'B' : 'A'}`],
    ['in another spelling', `${nonce}=`],
    ['too short', nonce.slice(0, -1)],
    ['too long', `${nonce}A`],
    ['empty', ''],
    ['of another server', 'f//499k954d6OL34oL9FSTvy64sA'],
    ['of 763 bytes', 'x'.repeat(763)],
  ] as const;
  for (const [name, value] of foreign) {
    const answer = alice.allocate(undefined, { nonce: value })!;
    t.equal(answer.outcome, 438, `§9.2.4: a nonce ${name} is 438`);
    t.strictSame(answer.types, CHALLENGE, name);
    t.equal(
      alice.allocate(undefined, { nonce: value, key: new Uint8Array(16) })!.outcome,
      438,
      'before any HMAC',
    );
  }
  for (const [index, char] of nonce.split('').entries()) {
    const flipped = nonce.slice(0, index) + (char === 'x' ? 'y' : 'x') + nonce.slice(index + 1);
    t.equal(alice.allocate(undefined, { nonce: flipped })!.outcome, 438, `character ${index}`);
  }

  driver.advance(3600);
  t.equal(alice.allocate()!.outcome, 'success', 'RFC 8656 §5: good for an hour');
  driver.advance(1);
  const stale = alice.refresh(600)!;
  t.equal(stale.outcome, 438, '§9.2.4: stale');
  t.strictSame(stale.types, CHALLENGE);
  t.equal(
    alice.refresh(600, undefined, { key: new Uint8Array(16) })!.outcome,
    401,
    '§9.2.4: integrity comes first',
  );
  alice.nonce = stale.text(ATTRIBUTE.NONCE)!;
  t.equal(alice.refresh(600)!.outcome, 'success', 'an allocation survives a 438');
  t.end();
});

t.test('missing and malformed attributes', (t) => {
  const client = new TestClient(new TurnDriver());
  client.challenge();
  const raw = (write: Write): Answer => {
    const writer = new StunWriter(new Uint8Array(4096)).begin(METHOD.ALLOCATE, CLASS.REQUEST, TID);
    write(writer);
    return client.send(writer.integrity(client.key()).written())!;
  };
  const { nonce } = client;
  const rows: { name: string; outcome: number; write: Write }[] = [
    {
      name: 'no USERNAME',
      outcome: 400,
      write: (w) => w.text(ATTRIBUTE.REALM, REALM).text(ATTRIBUTE.NONCE, nonce!),
    },
    {
      name: 'no REALM',
      outcome: 400,
      write: (w) => w.text(ATTRIBUTE.USERNAME, 'alice').text(ATTRIBUTE.NONCE, nonce!),
    },
    {
      name: 'no NONCE',
      outcome: 400,
      write: (w) => w.text(ATTRIBUTE.USERNAME, 'alice').text(ATTRIBUTE.REALM, REALM),
    },
    { name: 'a USERNAME of 764 bytes', outcome: 400, write: withUser('u'.repeat(764)) },
    { name: 'a USERNAME of 763 bytes', outcome: 401, write: withUser('u'.repeat(763)) },
    { name: 'an empty USERNAME', outcome: 401, write: withUser('') },
    { name: 'a NONCE of 764 bytes', outcome: 400, write: withUser('alice', 'n'.repeat(764)) },
    {
      name: 'a REALM of 764 bytes',
      outcome: 400,
      write: withUser('alice', undefined, 'r'.repeat(764)),
    },
    { name: 'a USERHASH of 31 bytes', outcome: 400, write: withHash(31) },
    { name: 'a USERHASH of 33 bytes', outcome: 400, write: withHash(33) },
    { name: 'an unknown USERHASH', outcome: 401, write: withHash(32) },
    {
      name: 'a USERNAME that is not UTF-8',
      outcome: 400,
      write: (w) => withUser(undefined)(w.attribute(ATTRIBUTE.USERNAME, Uint8Array.of(0xff, 0xfe))),
    },
  ];
  for (const { name, outcome, write } of rows) {
    const answer = raw(write);
    t.equal(answer.outcome, outcome, `RFC 8489 §9.2.4, §14.3, §14.4: ${name}`);
    t.strictSame(answer.types, outcome === 400 ? [ATTRIBUTE.ERROR_CODE] : CHALLENGE, name);
  }
  const names = [
    '__proto__',
    ...Object.getOwnPropertyNames(Object.prototype),
    'nobody',
    'Alice',
    'alice\0',
  ];
  for (const name of names)
    t.equal(raw(withUser(name)).outcome, 401, `user ${JSON.stringify(name)}`);
  t.end();

  function withUser(user: string | undefined, nonceText = nonce!, realm = REALM): Write {
    return (writer) => {
      if (user !== undefined) writer.text(ATTRIBUTE.USERNAME, user);
      writer.text(ATTRIBUTE.REALM, realm).text(ATTRIBUTE.NONCE, nonceText);
    };
  }
  function withHash(length: number): Write {
    return (writer) =>
      withUser(undefined)(writer.attribute(ATTRIBUTE.USERHASH, new Uint8Array(length)));
  }
});

t.test('an unknown user and a wrong password look the same', (t) => {
  for (const algorithm of [undefined, 'MD5', 'SHA-256'] as const) {
    for (const fingerprint of [false, true]) {
      const client = new TestClient(new TurnDriver());
      client.challenge();
      const signing: SigningOptions = {
        transactionId: TID,
        fingerprint,
        ...(algorithm && { algorithm }),
      };
      const answers = [
        client.allocate(undefined, { ...signing, username: 'nobody' }),
        client.allocate(undefined, { ...signing, key: new Uint8Array(32) }),
        client.allocate(undefined, { ...signing, user: 'hash', username: 'nobody' }),
      ];
      t.equal(answers[0]!.outcome, 401);
      t.strictSame(answers[0]!.bytes, answers[1]!.bytes, 'RFC 8489 §9.2.4: byte for byte');
      t.strictSame(answers[0]!.bytes, answers[2]!.bytes, 'a USERHASH too');
      const reasons = client.driver.events.map((event) =>
        event.kind === 'authenticationFailed' ? [event.reason, event.username.length] : event.kind,
      );
      t.strictSame(
        reasons,
        [
          ['unknownUser', 6],
          ['badIntegrity', 5],
          ['unknownUser', 64],
        ],
        'the log tells them apart',
      );
    }
  }
  t.end();
});

t.test('which integrity is checked and which one answers', (t) => {
  const rows: {
    name: string;
    signing: SigningOptions;
    outcome: 'success' | number;
    answer: string;
  }[] = [
    { name: 'classic', signing: {}, outcome: 'success', answer: 'sha1' },
    { name: 'MD5 by name', signing: { algorithm: 'MD5' }, outcome: 'success', answer: 'sha256' },
    { name: 'SHA-256', signing: { algorithm: 'SHA-256' }, outcome: 'success', answer: 'sha256' },
    {
      name: 'SHA-256 with MESSAGE-INTEGRITY',
      signing: { algorithm: 'SHA-256', integrity: 'sha1' },
      outcome: 'success',
      answer: 'sha256',
    },
    {
      name: 'both',
      signing: { algorithm: 'SHA-256', integrity: 'both' },
      outcome: 'success',
      answer: 'sha256',
    },
    {
      name: 'classic with SHA256 integrity',
      signing: { integrity: 'sha256' },
      outcome: 'success',
      answer: 'sha1',
    },
    { name: 'USERHASH', signing: { user: 'hash' }, outcome: 'success', answer: 'sha1' },
    {
      name: 'USERHASH, SHA-256',
      signing: { user: 'hash', algorithm: 'SHA-256' },
      outcome: 'success',
      answer: 'sha256',
    },
  ];
  for (const { name, signing, outcome, answer } of rows) {
    const client = new TestClient(new TurnDriver());
    const key = client.key(signing.algorithm);
    const success = client.allocate(undefined, signing)!;
    t.equal(success.outcome, outcome, name);
    t.equal(success.integrity(key), answer, `RFC 8489 §9.2.4: ${name} is answered with ${answer}`);
    const error = client.allocate(undefined, signing)!;
    t.equal(error.outcome, 437);
    t.equal(error.integrity(key), answer, `an error too: ${name}`);
    for (const type of [
      ATTRIBUTE.USERNAME,
      ATTRIBUTE.REALM,
      ATTRIBUTE.NONCE,
      ATTRIBUTE.FINGERPRINT,
    ]) {
      t.notOk(success.has(type) || error.has(type), `no ${type} in an answer`);
    }
    const mirrored = client.allocate(undefined, { ...signing, fingerprint: true })!;
    t.ok(mirrored.message.hasFingerprint, 'FINGERPRINT is mirrored');
    t.equal(mirrored.integrity(key), answer);
  }
  t.end();
});

t.test(
  'RFC 8489 §14.6: the SHA-256 integrity counts when both are there, and is never short',
  (t) => {
    const client = new TestClient(new TurnDriver());
    const good = client.build(METHOD.ALLOCATE, transport, {
      algorithm: 'SHA-256',
      integrity: 'both',
    });
    const bad = Uint8Array.from(good);
    bad[bad.length - 1]! ^= 1;
    t.equal(client.send(bad)!.outcome, 401);
    for (const length of [0, 4, 15, 16, 20, 28, 31, 33, 36]) {
      const unsignedBytes = client.build(METHOD.ALLOCATE, transport, {
        algorithm: 'SHA-256',
        integrity: 'none',
      });
      const value = good.slice(-32).subarray(0, length);
      const writer = new StunWriter(new Uint8Array(1000));
      copyMessage(unsignedBytes, writer);
      writer.attribute(ATTRIBUTE.MESSAGE_INTEGRITY_SHA256, value);
      t.equal(client.send(writer.written())!.outcome, 401, `${length} bytes`);
    }
    t.equal(client.send(good)!.outcome, 'success');
    t.end();
  },
);

t.test('RFC 8489 §9.2.4: bid-down mutations are 400', (t) => {
  const client = new TestClient(new TurnDriver());
  client.challenge();
  const list = ATTRIBUTE.PASSWORD_ALGORITHMS;
  const choice = ATTRIBUTE.PASSWORD_ALGORITHM;
  const rows: [
    name: string,
    list: string | undefined,
    choice: string | undefined,
    outcome: 'success' | number,
  ][] = [
    ['as offered', '0002000000010000', '00020000', 'success'],
    ['list dropped', undefined, '00010000', 400],
    ['choice dropped', '0002000000010000', undefined, 400],
    ['reordered', '0001000000020000', '00020000', 400],
    ['entry removed', '00010000', '00010000', 400],
    ['entry added', '000200000001000000030000', '00020000', 400],
    ['parameters changed', '000200010000000000010000', '00020000', 400],
    ['choice not offered', '0002000000010000', '00030000', 400],
    ['choice with parameters', '0002000000010000', '0002000400000000', 400],
    ['two choices', '0002000000010000', '0002000000010000', 400],
    ['list cut off', '00020000000100', '00020000', 400],
    ['empty list', '', '00020000', 400],
    ['empty choice', '0002000000010000', '', 400],
  ];
  for (const [name, listHex, choiceHex, outcome] of rows) {
    const write: Write = (writer) => {
      transport(writer);
      if (listHex !== undefined) writer.attribute(list, Buffer.from(listHex, 'hex'));
      if (choiceHex !== undefined) writer.attribute(choice, Buffer.from(choiceHex, 'hex'));
    };
    const key = client.key('SHA-256');
    const answer = client.request(METHOD.ALLOCATE, write, { key, integrity: 'sha256' })!;
    t.equal(answer.outcome, outcome, name);
    if (outcome === 400) t.strictSame(answer.types, [ATTRIBUTE.ERROR_CODE], 'no challenge');
  }
  const plain = new TurnDriver({ auth: { algorithms: [] } });
  const browser = new TestClient(plain);
  t.equal(
    browser.allocate(undefined, { algorithm: 'MD5', integrity: 'sha1' })!.outcome,
    'success',
    '§9.2.4: the attributes mean nothing where they are not offered',
  );
  t.end();
});

t.test('RFC 8489 §14.5: what follows the integrity does not count', (t) => {
  const client = new TestClient(new TurnDriver());
  client.allocate();
  const appended: [name: string, write: Write][] = [
    ['LIFETIME 0', (w) => w.uint32(ATTRIBUTE.LIFETIME, 0)],
    ['a family', (w) => w.uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, 2, 4)],
    ['an unknown attribute', (w) => w.flag(0x7777)],
    ['a second USERNAME', (w) => w.text(ATTRIBUTE.USERNAME, 'bob')],
  ];
  for (const [name, write] of appended) {
    const writer = new StunWriter(new Uint8Array(1000));
    copyMessage(client.build(METHOD.REFRESH), writer);
    write(writer);
    const answer = client.send(writer.written())!;
    t.equal(answer.outcome, 'success', name);
    t.equal(answer.lifetime, 600, name);
  }
  const message = client.build(METHOD.REFRESH);
  const flips = Array.from({ length: message.length * 8 }, (_, bit) => bit).filter((bit) => {
    const flipped = Uint8Array.from(message);
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    return client.send(flipped)?.outcome === 'success';
  });
  t.strictSame(flips, [], 'no message with one bit flipped is accepted');
  t.end();
});

t.test('expired and rotated credentials', (t) => {
  const driver = new TurnDriver({
    auth: { type: 'ephemeral', users: [], secrets: ['new', 'old'] },
  });
  for (const [secret, outcome] of [
    ['new', 'success'],
    ['old', 'success'],
    ['older', 401],
  ] as const) {
    const policy = createCredentialPolicy(
      authOptions({ type: 'ephemeral', users: [], secrets: [secret] }),
    );
    const username = `${driver.unixSeconds + 100}:${secret}`;
    const found = policy.find(username, 'MD5', driver.now.unixSeconds);
    if (typeof found === 'string') throw new Error(found);
    const client = new TestClient(driver, { port: 41_000 + secret.charCodeAt(0), user: username });
    t.equal(client.allocate(undefined, { key: found.keys[0]! })!.outcome, outcome, secret);
  }
  const policy = createCredentialPolicy(
    authOptions({ type: 'ephemeral', users: [], secrets: ['new'] }),
  );
  const username = `${driver.unixSeconds + 10}:late`;
  const found = policy.find(username, 'MD5', driver.now.unixSeconds);
  if (typeof found === 'string') throw new Error(found);
  const key = found.keys[0]!;
  const client = new TestClient(driver, { port: 42_000, user: username });
  t.equal(client.allocate(undefined, { key })!.outcome, 'success');
  driver.advance(11);
  t.equal(
    client.refresh(600, undefined, { key })!.outcome,
    401,
    'an expired credential refreshes nothing',
  );
  t.equal(client.bindChannel(0x4000, '10.0.0.1', 1000, { key })!.outcome, 401);
  driver.replace({ credentials: createCredentialPolicy(authOptions()) });
  const alice = new TestClient(driver, { port: 43_000 });
  t.equal(alice.allocate()!.outcome, 'success', 'credentials can be replaced');
  t.end();
});

t.test('without a credential mechanism there is STUN only', (t) => {
  const driver = new TurnDriver({ auth: { type: 'none' } });
  const client = new TestClient(driver);
  t.equal(client.send(unsigned(METHOD.BINDING, TID))!.outcome, 'success');
  const answer = client.send(unsigned(METHOD.ALLOCATE, TID, transport))!;
  t.equal(answer.outcome, 403);
  t.strictSame(answer.types, [ATTRIBUTE.ERROR_CODE]);
  t.end();
});

t.test('Binding, unknown attributes and messages that get silence', (t) => {
  const driver = new TurnDriver();
  for (const ip of ['198.51.100.1', '2001:db8::99']) {
    const client = new TestClient(driver, { ip, port: 40_000 });
    const answer = client.send(unsigned(METHOD.BINDING, TID))!;
    t.strictSame(answer.types, [ATTRIBUTE.XOR_MAPPED_ADDRESS], 'RFC 8489 §6.3.1.1');
    t.strictSame(answer.addresses(ATTRIBUTE.XOR_MAPPED_ADDRESS), [
      parseAddress(ip, 40_000).toString(),
    ]);
    t.equal(answer.bytes.length, ip.includes(':') ? 44 : 32, 'nothing more');
  }
  const client = new TestClient(driver);
  const fingerprinted = client.send(unsigned(METHOD.BINDING, TID, (w) => w.fingerprint()))!;
  t.ok(fingerprinted.message.hasFingerprint, '§7: FINGERPRINT is mirrored');
  t.ok(client.send(unsigned(METHOD.ALLOCATE, TID, (w) => w.fingerprint()))!.message.hasFingerprint);
  const unknown: Write = (w) =>
    w.flag(0x7777).flag(0x0003).flag(0xffff).flag(0x7777).flag(ATTRIBUTE.CONNECTION_ID);
  const refused = client.send(unsigned(METHOD.BINDING, TID, unknown))!;
  t.equal(refused.outcome, 420, '§6.3.1');
  t.strictSame(
    refused.unknownAttributes,
    [0x7777, 0x0003, ATTRIBUTE.CONNECTION_ID],
    'all of them, once each',
  );
  t.equal(
    client.send(unsigned(METHOD.ALLOCATE, TID, unknown))!.outcome,
    401,
    'after authentication',
  );
  const signed = client.allocate(unknown)!;
  t.equal(signed.outcome, 420);
  t.strictSame(signed.unknownAttributes, [0x7777, 0x0003, ATTRIBUTE.CONNECTION_ID]);
  t.equal(signed.integrity(client.key()), 'sha1');
  t.equal(
    client.allocate((w) => w.flag(0x8fff).text(ATTRIBUTE.SOFTWARE, 'x'))!.outcome,
    'success',
    '§14: optional',
  );

  const silent: [name: string, bytes: Uint8Array][] = [];
  for (let method = 0; method < 0x1000; method++) {
    for (const messageClass of [
      CLASS.SUCCESS,
      CLASS.ERROR,
      CLASS.INDICATION,
      CLASS.REQUEST,
    ] as const) {
      const isAnswered = (
        [
          METHOD.BINDING,
          METHOD.ALLOCATE,
          METHOD.REFRESH,
          METHOD.CREATE_PERMISSION,
          METHOD.CHANNEL_BIND,
        ] as number[]
      ).includes(method);
      if (messageClass === CLASS.REQUEST && isAnswered) continue;
      silent.push([
        `§6.3 method ${method} class ${messageClass}`,
        unsigned(method, TID, undefined, messageClass),
      ]);
    }
  }
  const binding = unsigned(METHOD.BINDING, TID, (w) => w.fingerprint());
  const mutate = (name: string, change: (bytes: Uint8Array) => Uint8Array | void): void => {
    const bytes = Uint8Array.from(binding);
    silent.push([name, change(bytes) ?? bytes]);
  };
  mutate('§5 another cookie', (bytes) => void (bytes[4]! ^= 1));
  mutate('§7 a wrong FINGERPRINT', (bytes) => void (bytes[27]! ^= 1));
  mutate('§5 a length not a multiple of 4', (bytes) => void (bytes[3]! += 1));
  mutate('§5 a length beyond the datagram', (bytes) => void (bytes[3]! += 4));
  mutate('§5 a length before the end', (bytes) => void (bytes[3]! -= 4));
  mutate('§14 an attribute beyond the message', (bytes) => void (bytes[23]! += 1));
  mutate('trailing bytes', (bytes) => Uint8Array.of(...bytes, 0, 0, 0, 0));
  mutate('§14.7 an attribute after FINGERPRINT', (bytes) => {
    bytes[3]! += 4;
    return Uint8Array.of(...bytes, 0x80, 0x22, 0, 0);
  });
  for (let first = 0; first < 256; first++) {
    if (first < 4) continue;
    mutate(`RFC 8656 §12 Table 3, first byte ${first}`, (bytes) => void (bytes[0] = first));
  }
  for (let length = 0; length < 20; length++)
    mutate(`${length} bytes`, (bytes) => bytes.slice(0, length));
  const answered = silent.filter(([, bytes]) => client.receive(bytes).answers.length > 0);
  t.strictSame(
    answered.map(([name]) => name),
    [],
    'silence',
  );
  const { drops } = driver;
  t.equal(
    drops.unexpectedResponse,
    512,
    'both classes of the 256 methods that Table 3 takes for STUN',
  );
  t.equal(
    drops.unsupportedMethod,
    251 + 254,
    'requests, and indications other than Binding and Send',
  );
  t.equal(drops.malformedStun, 8 + 16);
  t.end();
});

t.test('RFC 8489 §11: no clients of RFC 3489 over DTLS', (t) => {
  const driver = new TurnDriver();
  const { relayAddresses } = driver.udp;
  const dtls = new ServerEndpoint('test', 'dtls', driver.udp.address, relayAddresses);
  const classic = (messageClass: MessageClass, change: (bytes: Uint8Array) => void = () => {}) => {
    const bytes = unsigned(METHOD.BINDING, TID, undefined, messageClass);
    bytes.set([1, 2, 3, 4], 4);
    change(bytes);
    return bytes;
  };
  const answersTo = (endpoint: ServerEndpoint, bytes: Uint8Array): Uint8Array[] =>
    driver.receive(new Client(endpoint, parseAddress('198.51.100.1', 40_000)), bytes).answers;

  const [answer] = answersTo(dtls, classic(CLASS.REQUEST));
  t.strictSame([...answer!.subarray(4, 20)], [1, 2, 3, 4, ...TID], 'all of the transaction ID');
  const withCookie = Uint8Array.from(answer!);
  withCookie.set([0x21, 0x12, 0xa4, 0x42], 4);
  t.equal(new Answer(withCookie).outcome, 500);

  t.strictSame(answersTo(dtls, classic(CLASS.INDICATION)), [], 'indications are ignored');
  t.strictSame(answersTo(dtls, classic(CLASS.ERROR)), [], 'and responses');
  const longer = classic(CLASS.REQUEST, (bytes) => void (bytes[3]! += 4));
  t.strictSame(answersTo(dtls, longer), [], 'and what has another length than it says');
  t.strictSame(answersTo(driver.udp, classic(CLASS.REQUEST)), [], 'over UDP nothing is answered');
  t.equal(driver.drops.malformedStun, 4);
  t.end();
});

/** Copies a message into a writer, so that more attributes can follow. */
function copyMessage(bytes: Uint8Array, writer: StunWriter): void {
  const message = new StunMessage();
  if (message.decode(bytes, 0, bytes.length) !== undefined) throw new Error('not a message');
  writer.begin(message.method, message.messageClass, bytes, message.transactionIdOffset);
  for (let index = 0; index < message.attributeCount; index++) {
    const start = message.valueOffset(index);
    writer.attribute(message.typeAt(index), bytes, start, message.valueLength(index));
  }
}
