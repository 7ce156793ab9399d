import { ephemeralPassword } from '../../../src/auth/ephemeral-credentials.ts';
import { longTermKey, userhash } from '../../../src/stun/integrity.ts';
import { StunWriter } from '../../../src/stun/message-writer.ts';
import {
  ATTRIBUTE,
  CLASS,
  METHOD,
  type MessageClass,
  type PasswordAlgorithm,
} from '../../../src/stun/registry.ts';
import { Client, type Allocation } from '../../../src/turn/allocation.ts';
import { putUint16 } from '../../../src/stun/big-endian.ts';
import { Answer } from './answer.ts';
import { parseAddress, REALM, USERS, type Received, type TurnDriver } from './turn-driver.ts';

/** How one request differs from what the client usually sends. */
export interface SigningOptions {
  readonly transactionId?: Uint8Array;
  readonly messageClass?: MessageClass;
  /** Sends the username, its hash, or nothing. */
  readonly user?: 'name' | 'hash' | 'none';
  readonly username?: string;
  /** Undefined sends none. */
  readonly nonce?: string | undefined;
  readonly realm?: string | undefined;
  readonly key?: Uint8Array;
  readonly integrity?: 'sha1' | 'sha256' | 'both' | 'none';
  /** Sends PASSWORD-ALGORITHMS as offered and this PASSWORD-ALGORITHM. */
  readonly algorithm?: PasswordAlgorithm;
  readonly fingerprint?: boolean;
}

/** Adds the attributes of a request. */
export type Write = (writer: StunWriter) => unknown;

/** A client that signs its requests like a browser does, or as the options say. */
export class TestClient {
  readonly driver: TurnDriver;
  readonly client: Client;
  username: string;
  password: string;
  nonce: string | undefined;
  #count = 0;

  constructor(
    driver: TurnDriver,
    options: {
      ip?: string;
      port?: number;
      user?: string;
      /** Makes the password of an ephemeral username. */
      secret?: string;
      handle?: number;
    } = {},
  ) {
    const { ip = '198.51.100.1', port = 40_000, user = 'alice', handle = -1 } = options;
    this.driver = driver;
    const endpoint = handle < 0 ? driver.udp : driver.tcp;
    this.client = new Client(endpoint, parseAddress(ip, port), handle);
    this.username = user;
    this.password = USERS.find(({ username }) => username === user)?.password ?? 'no such user';
    if (options.secret !== undefined) this.useEphemeral(user, options.secret);
  }

  /** Shows an ephemeral credential from now on. */
  useEphemeral(username: string, secret: string): void {
    this.username = username;
    this.password = ephemeralPassword(secret, username);
  }

  /** The live allocation of this 5-tuple. */
  get allocation(): Allocation | undefined {
    const { client } = this;
    return client.handle < 0
      ? client.endpoint.allocationByClient.get(client.address)
      : client.allocation;
  }

  /** The only relay, or the one of a family. */
  relay(family = 1): Allocation['relays'][number] {
    return this.allocation!.relays.find((relay) => relay.family === family)!;
  }

  key(algorithm: PasswordAlgorithm = 'MD5'): Uint8Array {
    return longTermKey(this.username, REALM, this.password, algorithm);
  }

  nextTransactionId(): Uint8Array {
    const id = new Uint8Array(12).fill(0xa5);
    putUint16(id, 8, this.client.address.port);
    putUint16(id, 10, ++this.#count);
    return id;
  }

  /** Fetches a nonce with an unsigned Allocate. */
  challenge(): Answer {
    const bytes = unsigned(METHOD.ALLOCATE, this.nextTransactionId());
    const answer = new Answer(this.driver.receive(this.client, bytes).answers[0]!);
    this.nonce = answer.text(ATTRIBUTE.NONCE);
    return answer;
  }

  /** Builds a signed message; fetches a nonce before the first one. */
  build(method: number, write?: Write, options: SigningOptions = {}): Uint8Array {
    if (this.nonce === undefined && !('nonce' in options)) this.challenge();
    const { nonce, realm } = { nonce: this.nonce, realm: REALM, ...options };
    const { username = this.username, user = 'name', algorithm } = options;
    const writer = new StunWriter(new Uint8Array(70_000));
    writer.begin(
      method,
      options.messageClass ?? CLASS.REQUEST,
      options.transactionId ?? this.nextTransactionId(),
    );
    write?.(writer);
    if (user === 'name') writer.text(ATTRIBUTE.USERNAME, username);
    if (user === 'hash') {
      writer.attribute(ATTRIBUTE.USERHASH, Buffer.from(userhash(username, REALM), 'hex'));
    }
    if (realm !== undefined) writer.text(ATTRIBUTE.REALM, realm);
    if (nonce !== undefined) writer.text(ATTRIBUTE.NONCE, nonce);
    if (algorithm !== undefined) {
      writer.passwordAlgorithms(['SHA-256', 'MD5']).passwordAlgorithm(algorithm);
    }
    const key = options.key ?? this.key(algorithm);
    const integrity = options.integrity ?? (algorithm === undefined ? 'sha1' : 'sha256');
    if (integrity === 'sha1' || integrity === 'both') writer.integrity(key);
    if (integrity === 'sha256' || integrity === 'both') writer.integritySha256(key);
    if (options.fingerprint === true) writer.fingerprint();
    return writer.written();
  }

  /** Sends a signed request; undefined when the server keeps silent. */
  request(method: number, write?: Write, options?: SigningOptions): Answer | undefined {
    return this.send(this.build(method, write, options));
  }

  /** Sends bytes and decodes the answer. */
  send(bytes: Uint8Array): Answer | undefined {
    const { answers } = this.receive(bytes);
    if (answers.length > 1) throw new Error('more than one answer');
    return answers[0] === undefined ? undefined : new Answer(answers[0]);
  }

  receive(bytes: Uint8Array): Received {
    return this.driver.receive(this.client, bytes);
  }

  allocate(write?: Write, options?: SigningOptions): Answer | undefined {
    return this.request(
      METHOD.ALLOCATE,
      (writer) => void (transport(writer), write?.(writer)),
      options,
    );
  }

  refresh(lifetime?: number, family?: number, options?: SigningOptions): Answer | undefined {
    const write: Write = (writer) => {
      if (lifetime !== undefined) writer.uint32(ATTRIBUTE.LIFETIME, lifetime);
      if (family !== undefined) writer.uint8(ATTRIBUTE.REQUESTED_ADDRESS_FAMILY, family, 4);
    };
    return this.request(METHOD.REFRESH, write, options);
  }

  /** Asks for permissions for peers given as IP addresses. */
  permit(...ips: string[]): Answer | undefined {
    return this.request(METHOD.CREATE_PERMISSION, (writer) => {
      for (const ip of ips) writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress(ip, 0));
    });
  }

  bindChannel(
    number: number,
    ip: string,
    port: number,
    options?: SigningOptions,
  ): Answer | undefined {
    return this.request(METHOD.CHANNEL_BIND, channelBind(number, ip, port), options);
  }

  sendIndication(
    ip: string,
    port: number,
    payload: Uint8Array,
    write?: Write,
  ): Received['relayed'] {
    return this.receive(sendIndication(this.nextTransactionId(), ip, port, payload, write)).relayed;
  }

  channelData(number: number, payload: Uint8Array): Received['relayed'] {
    return this.receive(channelData(number, payload)).relayed;
  }
}

/** REQUESTED-TRANSPORT UDP. */
export function transport(writer: StunWriter, protocol = 17): StunWriter {
  return writer.uint8(ATTRIBUTE.REQUESTED_TRANSPORT, protocol, 4);
}

/** The attributes of a ChannelBind request. */
export function channelBind(number: number, ip: string, port: number): Write {
  return (writer) =>
    writer
      .uint16(ATTRIBUTE.CHANNEL_NUMBER, number, 4)
      .xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress(ip, port));
}

/** A whole Send indication. */
export function sendIndication(
  transactionId: Uint8Array,
  ip: string,
  port: number,
  payload: Uint8Array,
  write?: Write,
): Uint8Array {
  const writer = new StunWriter(new Uint8Array(payload.length + 200));
  writer.begin(METHOD.SEND, CLASS.INDICATION, transactionId);
  writer.xorAddress(ATTRIBUTE.XOR_PEER_ADDRESS, parseAddress(ip, port));
  writer.attribute(ATTRIBUTE.DATA, payload);
  write?.(writer);
  return writer.written();
}

/** A ChannelData message without padding. */
export function channelData(
  number: number,
  payload: Uint8Array,
  claimed = payload.length,
): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length);
  putUint16(bytes, 0, number);
  putUint16(bytes, 2, claimed);
  bytes.set(payload, 4);
  return bytes;
}

/** A message without credentials. */
export function unsigned(
  method: number,
  transactionId: Uint8Array,
  write?: Write,
  messageClass: MessageClass = CLASS.REQUEST,
): Uint8Array {
  const writer = new StunWriter(new Uint8Array(4096)).begin(method, messageClass, transactionId);
  write?.(writer);
  return writer.written();
}
