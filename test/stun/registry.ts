import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  CHANNEL_DATA_LAST_BYTE_RFC5766,
  classifyFirstByte,
  FIRST_BYTE,
} from '../../src/stun/demultiplex.ts';
import { classOf, encodeMessageType, methodOf } from '../../src/stun/message-type.ts';
import {
  ATTRIBUTE,
  CLASS,
  ERROR_REASON,
  METHOD,
  PASSWORD_ALGORITHM,
} from '../../src/stun/registry.ts';

t.test('numbers and names are those of IANA', (t) => {
  t.same(
    Object.entries(METHOD).map(([name, value]) => [value, name]),
    assigned('methods')
      .map(({ value, name }) => [value, name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()])
      .filter(([, name]) => name !== 'GOOG-PING'),
  );

  const attributes = new Map(assigned('attributes').map(({ value, name }) => [value, name]));
  // IANA lists CHANGE-REQUEST as reserved; RFC 5780 §7.2 still defines it.
  attributes.set(ATTRIBUTE.CHANGE_REQUEST, 'CHANGE-REQUEST');
  for (const [name, value] of Object.entries(ATTRIBUTE)) {
    t.equal(name, attributes.get(value)?.replaceAll('-', '_'), `0x${value.toString(16)}`);
  }
  const specified = assigned('attributes').filter(({ reference }) =>
    /RFC(8489|8656|6062|8445|5780|8016|7635)/.test(reference),
  );
  const known = new Set<number>(Object.values(ATTRIBUTE));
  t.same(
    specified.filter(({ value }) => !known.has(value)),
    [],
    'none of these RFCs is missing',
  );

  t.same(
    Object.entries(ERROR_REASON),
    assigned('error-codes').map(({ value, name }) => [String(value), name]),
  );
  t.same(
    Object.entries(PASSWORD_ALGORITHM),
    assigned('password-algorithms').map(({ value, name }) => [name, value]),
  );
  t.end();
});

t.test('every message type takes method and class apart again', (t) => {
  const types = new Set<number>();
  const wrong: number[] = [];
  for (let method = 0; method <= 0xfff; method++) {
    for (const messageClass of Object.values(CLASS)) {
      const type = encodeMessageType(method, messageClass);
      types.add(type);
      if (methodOf(type) !== method || classOf(type) !== messageClass) wrong.push(type);
    }
  }
  t.same(wrong, []);
  t.equal(types.size, 0x4000);
  t.equal(Math.max(...types), 0x3fff);
  const cases: [number, keyof typeof METHOD, keyof typeof CLASS][] = [
    [0x0001, 'BINDING', 'REQUEST'],
    [0x0101, 'BINDING', 'SUCCESS'],
    [0x0111, 'BINDING', 'ERROR'],
    [0x0003, 'ALLOCATE', 'REQUEST'],
    [0x0113, 'ALLOCATE', 'ERROR'],
    [0x0016, 'SEND', 'INDICATION'],
    [0x0017, 'DATA', 'INDICATION'],
    [0x0109, 'CHANNEL_BIND', 'SUCCESS'],
  ];
  for (const [type, method, messageClass] of cases) {
    t.equal(encodeMessageType(METHOD[method], CLASS[messageClass]), type);
  }
  t.end();
});

t.test('the first byte tells protocols apart', (t) => {
  const strict: string[] = [];
  const lenient: string[] = [];
  const nameOf = new Map(Object.entries(FIRST_BYTE).map(([name, kind]) => [kind, name]));
  for (let byte = 0; byte < 256; byte++) {
    strict.push(nameOf.get(classifyFirstByte(byte)) ?? 'none');
    lenient.push(nameOf.get(classifyFirstByte(byte, CHANNEL_DATA_LAST_BYTE_RFC5766)) ?? 'none');
  }
  const runs = (bytes: string[]) =>
    bytes.flatMap((name, byte) => (name === bytes[byte - 1] ? [] : [[byte, name]]));
  t.same(runs(strict), [
    [0, 'STUN'],
    [4, 'OTHER'],
    [20, 'DTLS'],
    [64, 'CHANNEL_DATA'],
    [80, 'OTHER'],
  ]);
  t.same(runs(lenient), [
    [0, 'STUN'],
    [4, 'OTHER'],
    [20, 'DTLS'],
    [64, 'CHANNEL_DATA'],
    [128, 'OTHER'],
  ]);
  t.end();
});

/** Rows of an IANA table that give one number a meaning, in ascending order. */
function assigned(table: string): { value: number; name: string; reference: string }[] {
  const text = readFileSync(`test/fixtures/iana/${table}.csv`, 'utf8');
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .filter(([value, name]) => !value?.includes('-') && !/^(Unassigned|Reserved)/.test(name ?? ''))
    .map(([value, name, reference]) => ({
      value: Number(value),
      name: name ?? '',
      reference: reference ?? '',
    }));
}
