import { createUserRateMemory, UserRates } from '../../../src/net/shared/user-rates.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import { AddressTable } from '../../../src/turn/address-table.ts';
import type { MonotonicMs, Now, UnixSeconds } from '../../../src/turn/policy.ts';
import { RateMeter, type Rate } from '../../../src/turn/rate-meter.ts';
import { PAYLOAD_BYTES } from '../../settings.ts';
import { CALLS, expectAll, type MicroCase } from '../micro-case.ts';

const FIRST_WORD = 0x0a000000;
const FIRST_PORT = 40_000;
/** From one entry to a far one; prime, so that all have their turn. */
const STRIDE = 7919;
const PLENTY: Rate = { bytesPerSecond: 1e12, packetsPerSecond: 1e12 };
const UNLIMITED: Rate = { bytesPerSecond: 0, packetsPerSecond: 0 };

/** Look-ups and meters. */
export function tableCases(): MicroCase[] {
  return [
    ...[100, 10_000, 100_000].flatMap(lookUps),
    meter('RateMeter.admit, no limit', UNLIMITED),
    meter('RateMeter.admit, bytes and packets limited', PLENTY),
    userMeter('UserMeter.admit, no limit', UNLIMITED),
    userMeter('UserMeter.admit, bytes and packets limited', PLENTY),
  ];
}

function lookUps(entries: number): MicroCase[] {
  const table = new AddressTable<TransportAddress>('ipAndPort');
  for (let index = 0; index < entries; index++) {
    const address = addressOf(index, new TransportAddress());
    table.set(address, address);
  }
  const name = entries.toLocaleString('en');
  return [
    { name: `AddressTable.get, hit among ${name}`, calls: CALLS, run: hits(table) },
    { name: `AddressTable.get, miss among ${name}`, calls: CALLS, run: misses(table) },
  ];
}

function hits(table: AddressTable<TransportAddress>): MicroCase['run'] {
  const address = new TransportAddress();
  const { size } = table;
  let index = 0;
  return (calls) => {
    let found = 0;
    for (let call = 0; call < calls; call++) {
      index = (index + STRIDE) % size;
      if (table.get(addressOf(index, address)) !== undefined) found++;
    }
    return expectAll(found, calls);
  };
}

function misses(table: AddressTable<TransportAddress>): MicroCase['run'] {
  const address = new TransportAddress();
  const { size } = table;
  let index = 0;
  return (calls) => {
    let missed = 0;
    for (let call = 0; call < calls; call++) {
      index = (index + STRIDE) % size;
      if (table.get(addressOf(size + index, address)) === undefined) missed++;
    }
    return expectAll(missed, calls);
  };
}

function addressOf(index: number, into: TransportAddress): TransportAddress {
  return into.setIpv4(FIRST_WORD + index, FIRST_PORT + (index & 0xfff));
}

function meter(name: string, rate: Rate): MicroCase {
  const now = newTime();
  const bucket = new RateMeter(rate, now.monotonicMs);
  const run = (calls: number): number => {
    let admitted = 0;
    for (let call = 0; call < calls; call++) {
      if ((call & 0x3f) === 0) passTurn(now);
      if (bucket.admit(PAYLOAD_BYTES, now)) admitted++;
    }
    return expectAll(admitted, calls);
  };
  return { name, calls: CALLS, run };
}

function userMeter(name: string, rate: Rate): MicroCase {
  const now = newTime();
  const user = new UserRates(createUserRateMemory(), rate).meterOf('somebody');
  const run = (calls: number): number => {
    let admitted = 0;
    for (let call = 0; call < calls; call++) {
      if ((call & 0x3f) === 0) passTurn(now);
      if (user.admit(true, PAYLOAD_BYTES, now)) admitted++;
    }
    return expectAll(admitted, calls);
  };
  return { name, calls: CALLS, run };
}

function newTime(): Now {
  return { monotonicMs: 1e6 as MonotonicMs, unixSeconds: 1.8e9 as UnixSeconds };
}

function passTurn(now: Now): void {
  now.monotonicMs = (now.monotonicMs + 0.8765) as MonotonicMs;
}
