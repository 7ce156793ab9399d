import { StunMessage } from '../../../src/stun/message.ts';
import { fingerprintOf } from '../../../src/stun/fingerprint.ts';
import { METHOD } from '../../../src/stun/registry.ts';
import { IPV4 } from '../../../src/stun/transport-address.ts';
import { PAYLOAD_BYTES, transportAddress } from '../../settings.ts';
import { CALLS, expectAll, type MicroCase } from '../micro-case.ts';
import { allocateFor, sendIndication, signedRequest } from '../set-up/turn-messages.ts';

const NONCE = 'obMatJos2AAAAAAAAAAAAAAAAAAAA';
/** Length of a FINGERPRINT attribute with its header. */
const FINGERPRINT_BYTES = 8;

/** Reading STUN messages, as happens to each one that arrives; nothing is created before a request is understood. */
export function messageCases(): MicroCase[] {
  const plain = allocate(false);
  const withFingerprint = allocate(true);
  const indication = sendIndication(transportAddress('10.0.0.1', 5004), PAYLOAD_BYTES);
  return [
    decode('StunMessage.decode, Allocate', plain),
    decode('StunMessage.decode, Allocate with FINGERPRINT', withFingerprint),
    decode('StunMessage.decode, Send indication', indication),
    fingerprint(withFingerprint),
  ];
}

function allocate(hasFingerprint: boolean): Uint8Array {
  return signedRequest(METHOD.ALLOCATE, allocateFor(IPV4), {
    nonce: NONCE,
    algorithm: 'MD5',
    hasFingerprint,
  });
}

function decode(name: string, bytes: Uint8Array): MicroCase {
  const message = new StunMessage();
  const run = (calls: number): number => {
    let decoded = 0;
    for (let call = 0; call < calls; call++) {
      if (message.decode(bytes, 0, bytes.length) === undefined) decoded++;
    }
    return expectAll(decoded, calls);
  };
  return { name, calls: CALLS, run };
}

function fingerprint(bytes: Uint8Array): MicroCase {
  const end = bytes.length - FINGERPRINT_BYTES;
  const run = (calls: number): number => {
    let sum = 0;
    for (let call = 0; call < calls; call++) sum ^= fingerprintOf(bytes, 0, end);
    return sum;
  };
  return { name: `fingerprintOf ${end} bytes`, calls: CALLS, run };
}
