import {
  readErrorCode,
  readUint32,
  readUnknownAttributes,
  readXorAddress,
} from '../../../src/stun/attributes.ts';
import { verifyIntegrity, verifyIntegritySha256 } from '../../../src/stun/integrity.ts';
import { StunMessage } from '../../../src/stun/message.ts';
import { ATTRIBUTE, CLASS } from '../../../src/stun/registry.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';

/** A decoded message from the server. */
export class Answer {
  readonly bytes: Uint8Array;
  readonly message = new StunMessage(256);

  /** Throws when the bytes are no STUN message: the server must not send such. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const failure = this.message.decode(bytes, 0, bytes.length);
    if (failure !== undefined) throw new Error(`the server sent a message that is ${failure}`);
  }

  /** 'success', 'indication' or the error code. */
  get outcome(): 'success' | 'indication' | number {
    const { message } = this;
    if (message.messageClass === CLASS.SUCCESS) return 'success';
    if (message.messageClass === CLASS.INDICATION) return 'indication';
    return readErrorCode(message, message.find(ATTRIBUTE.ERROR_CODE))?.code ?? -1;
  }

  has(type: number): boolean {
    return this.message.find(type) >= 0;
  }

  /** Value of the first attribute of a type. */
  value(type: number): Uint8Array | undefined {
    const index = this.message.find(type);
    if (index < 0) return undefined;
    const start = this.message.valueOffset(index);
    return this.bytes.slice(start, start + this.message.valueLength(index));
  }

  text(type: number): string | undefined {
    const value = this.value(type);
    return value && Buffer.from(value).toString('utf8');
  }

  hex(type: number): string | undefined {
    const value = this.value(type);
    return value && Buffer.from(value).toString('hex');
  }

  /** All XOR addresses of a type, as text. */
  addresses(type: number): string[] {
    const found: string[] = [];
    const { message } = this;
    for (let index = message.find(type); index >= 0; index = message.findNext(type, index)) {
      const address = new TransportAddress();
      if (!readXorAddress(message, index, address)) throw new Error('a malformed address');
      found.push(address.toString());
    }
    return found;
  }

  get lifetime(): number | undefined {
    return readUint32(this.message, this.message.find(ATTRIBUTE.LIFETIME));
  }

  get unknownAttributes(): number[] | undefined {
    return readUnknownAttributes(this.message, this.message.find(ATTRIBUTE.UNKNOWN_ATTRIBUTES));
  }

  /** Attribute types in order. */
  get types(): number[] {
    return Array.from({ length: this.message.attributeCount }, (_, index) =>
      this.message.typeAt(index),
    );
  }

  /** Which integrity attribute there is and whether the key made it. */
  integrity(key: Uint8Array): 'none' | 'sha1' | 'sha256' | 'wrong' {
    const hasSha1 = this.has(ATTRIBUTE.MESSAGE_INTEGRITY);
    const hasSha256 = this.has(ATTRIBUTE.MESSAGE_INTEGRITY_SHA256);
    if (!hasSha1 && !hasSha256) return 'none';
    if (hasSha1 && hasSha256) return 'wrong';
    if (hasSha256) return verifyIntegritySha256(this.message, key) ? 'sha256' : 'wrong';
    return verifyIntegrity(this.message, key) ? 'sha1' : 'wrong';
  }
}
