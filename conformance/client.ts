import { Mismatch } from './conformance-case.ts';
import { Exchange } from './exchange.ts';
import { expectSuccess } from './expectations.ts';
import type { Link } from './link/link.ts';
import { challengeOf, sign, type Challenge, type Signing } from './signing.ts';
import { familyOf, type Address } from './wire/address.ts';
import {
  channelNumber,
  data,
  lifetime,
  requestedTransport,
  xorPeerAddress,
  type Attribute,
} from './wire/attributes.ts';
import {
  channelData,
  CHANNEL_DATA_HEADER_BYTES,
  isChannelData,
  paddedChannelData,
} from './wire/channel-data.ts';
import { longTermKey, type Account } from './wire/integrity.ts';
import { MessageWriter } from './wire/message-writer.ts';
import { ATTRIBUTE, CLASS, METHOD } from './wire/numbers.ts';
import { Reply } from './wire/reply.ts';

/** Data that the server passes on: from a peer, or on a channel. */
export interface Relayed {
  readonly from: Address | number | undefined;
  readonly payload: Buffer | undefined;
  /** The indication, unless it is ChannelData. */
  readonly indication?: Reply;
}

/** A TURN client that signs its requests as it is told. */
export class Client extends Exchange {
  readonly account: Account;
  /** Set by the first `greet`. */
  challenge: Challenge = { realm: '', nonce: '', algorithms: undefined };
  /** Relayed addresses of the live allocation. */
  relayed: readonly Address[] = [];

  constructor(link: Link, account: Account, patienceMs: number) {
    super(link, patienceMs);
    this.account = account;
  }

  /** Asks for a challenge with an Allocate request without credentials. */
  async greet(): Promise<Reply> {
    const reply = await this.unsigned(METHOD.ALLOCATE, [requestedTransport()]);
    const challenge = challengeOf(reply);
    if (challenge === undefined) throw new Mismatch(`${reply.describe()} without a challenge`);
    this.challenge = challenge;
    return reply;
  }

  /** Sends a request without credentials. */
  unsigned(method: number, attributes: readonly Attribute[] = []): Promise<Reply> {
    return this.ask(new MessageWriter(method).add(...attributes).written());
  }

  /** A signed request. */
  build(method: number, attributes: readonly Attribute[], signing: Signing = {}): Buffer {
    const writer = new MessageWriter(method, CLASS.REQUEST, signing.transactionId);
    writer.add(...attributes);
    sign(writer, this.account, this.challenge, signing);
    return writer.written();
  }

  request(method: number, attributes: readonly Attribute[], signing?: Signing): Promise<Reply> {
    return this.ask(this.build(method, attributes, signing));
  }

  /** The key that signs requests and responses unless another algorithm is chosen. */
  key(algorithm?: number): Buffer {
    return longTermKey(this.account, this.challenge.realm, algorithm);
  }

  /** An Allocate request for UDP with these attributes beside. */
  async allocate(attributes: readonly Attribute[] = [], signing?: Signing): Promise<Reply> {
    const wish = [requestedTransport(), ...attributes];
    const reply = await this.request(METHOD.ALLOCATE, wish, signing);
    const relayed = reply.addresses(ATTRIBUTE.XOR_RELAYED_ADDRESS);
    if (relayed.length > 0) this.relayed = relayed;
    return reply;
  }

  /** The relayed address of the family of a peer. */
  relayFor({ ip }: Address): Address {
    const relay = this.relayed.find((address) => familyOf(address.ip) === familyOf(ip));
    if (relay === undefined) throw new Mismatch('there is no relayed address of that family');
    return relay;
  }

  refresh(attributes: readonly Attribute[] = [], signing?: Signing): Promise<Reply> {
    return this.request(METHOD.REFRESH, attributes, signing);
  }

  createPermission(...peers: readonly Address[]): Promise<Reply> {
    return this.request(METHOD.CREATE_PERMISSION, peers.map(xorPeerAddress));
  }

  channelBind(number: number, peer: Address, signing?: Signing): Promise<Reply> {
    const attributes = [channelNumber(number), xorPeerAddress(peer)];
    return this.request(METHOD.CHANNEL_BIND, attributes, signing);
  }

  /** Permits peers, which must succeed. */
  async permit(...peers: readonly Address[]): Promise<void> {
    expectSuccess(await this.createPermission(...peers));
  }

  /** Binds a channel, which must succeed. */
  async bind(number: number, peer: Address): Promise<void> {
    expectSuccess(await this.channelBind(number, peer));
  }

  /** Sends data in a Send indication. */
  sendTo(peer: Address, payload: Buffer | string, further: readonly Attribute[] = []): void {
    this.indicate(METHOD.SEND, [xorPeerAddress(peer), data(payload), ...further]);
  }

  indicate(method: number, attributes: readonly Attribute[]): void {
    this.link.send(new MessageWriter(method, CLASS.INDICATION).add(...attributes).written());
  }

  /** Sends ChannelData, padded where the link is a stream. */
  sendOn(number: number, payload: Buffer | string): void {
    const write = this.link.isStream ? paddedChannelData : channelData;
    this.link.send(write(number, payload));
  }

  /** The next data from a peer. */
  async nextData(): Promise<Relayed> {
    const message = await this.next('data', isData);
    if (isChannelData(message)) {
      const start = CHANNEL_DATA_HEADER_BYTES;
      const payload = message.subarray(start, start + message.readUInt16BE(2));
      return { from: message.readUInt16BE(), payload };
    }
    const indication = new Reply(message);
    const [from] = indication.addresses(ATTRIBUTE.XOR_PEER_ADDRESS);
    return { from, payload: indication.value(ATTRIBUTE.DATA), indication };
  }

  /** Ends the allocation, if there is one, without waiting for the answer. */
  leave(): void {
    if (this.relayed.length === 0 || this.link.inbox.isEnded) return;
    this.link.send(this.build(METHOD.REFRESH, [lifetime(0)]));
  }
}

function isData(message: Buffer): boolean {
  return isChannelData(message) || new Reply(message).is(METHOD.DATA, CLASS.INDICATION);
}
