import { ephemeralPassword } from '../../../src/auth/ephemeral-credentials.ts';
import { StunMessage } from '../../../src/stun/message.ts';
import { ATTRIBUTE, METHOD, type PasswordAlgorithm } from '../../../src/stun/registry.ts';
import { IPV4, type TransportAddress } from '../../../src/stun/transport-address.ts';
import { transportAddress } from '../../settings.ts';
import { expectAll, type MicroCase } from '../micro-case.ts';
import { clientAddress, DrivenCore } from '../set-up/driven-core.ts';
import {
  allocateFor,
  channelFor,
  permissionFor,
  signedRequest,
  unsignedRequest,
  type Signature,
  type WriteAttributes,
} from '../set-up/turn-messages.ts';
import { nonceOf } from '../set-up/turn-requester.ts';

const CLIENTS = 100;
const PEER = transportAddress('10.0.0.1', 5004);
const SECRET = 'a shared secret of some length';

/** A client with all that it is going to say. */
interface Caller {
  readonly address: TransportAddress;
  readonly unsigned: Uint8Array;
  readonly signed: Uint8Array;
}

/** Whole requests through the core, up to the bytes of the answer, without what the client does. */
export function requestCases(): MicroCase[] {
  const ephemeral = new DrivenCore({ secret: SECRET });
  const username = `${ephemeral.now.unixSeconds + 3600}:alice`;
  const password = ephemeralPassword(SECRET, username);
  const core = new DrivenCore();
  return [
    allocates('MD5', new DrivenCore(), { algorithm: 'MD5' }),
    allocates('SHA-256', new DrivenCore(), { algorithm: 'SHA-256' }),
    allocates('ephemeral credential', ephemeral, { algorithm: 'MD5', username, password }),
    refusals(),
    repeated('Refresh', core, METHOD.REFRESH, (writer) => writer.uint32(ATTRIBUTE.LIFETIME, 600)),
    repeated('CreatePermission', core, METHOD.CREATE_PERMISSION, permissionFor(PEER)),
    repeated('ChannelBind', core, METHOD.CHANNEL_BIND, channelFor(0x4000, PEER)),
    bindings(core),
  ];
}

/** Allocate, 401, Allocate again, answer; the allocations end unmeasured. */
function allocates(
  name: string,
  core: DrivenCore,
  credential: Pick<Signature, 'algorithm' | 'username' | 'password'>,
): MicroCase {
  const callers = Array.from({ length: CLIENTS }, (_, index) => caller(core, index, credential));
  const before = (): void => {
    core.server.endAllocations(() => true, 'refreshedToZero');
    core.drain();
  };
  const run = (calls: number): number => {
    for (let call = 0; call < calls; call++) {
      const { address, unsigned, signed } = callers[call]!;
      core.handle(address, unsigned);
      core.handle(address, signed);
    }
    return expectAll(core.server.allocationCount, calls);
  };
  return { name: `Allocate, challenge included, ${name}`, calls: CLIENTS, before, run };
}

function caller(
  core: DrivenCore,
  index: number,
  credential: Pick<Signature, 'algorithm' | 'username' | 'password'>,
): Caller {
  const address = clientAddress(IPV4, index);
  const unsigned = unsignedRequest(METHOD.ALLOCATE, allocateFor(IPV4));
  const nonce = challenge(core, address, unsigned);
  const signature = { nonce, hasFingerprint: false, ...credential };
  const signed = signedRequest(METHOD.ALLOCATE, allocateFor(IPV4), signature);
  return { address, unsigned, signed };
}

function challenge(core: DrivenCore, address: TransportAddress, request: Uint8Array): string {
  const answer = core.exchange(address, request);
  const message = new StunMessage();
  message.decode(answer, 0, answer.length);
  return nonceOf(message);
}

/** What a flood of strangers costs. */
function refusals(): MicroCase {
  const core = new DrivenCore();
  const unsigned = unsignedRequest(METHOD.ALLOCATE, allocateFor(IPV4));
  const addresses = Array.from({ length: CLIENTS }, (_, index) => clientAddress(IPV4, index));
  const run = (calls: number): number => {
    let bytes = 0;
    for (let call = 0; call < calls; call++)
      bytes += core.exchange(addresses[call]!, unsigned).length;
    return bytes;
  };
  return { name: 'Allocate of a stranger, answered 401', calls: CLIENTS, run };
}

/** A request that a client with an allocation may make again and again. */
function repeated(
  name: string,
  core: DrivenCore,
  method: number,
  write: WriteAttributes,
  algorithm: PasswordAlgorithm = 'MD5',
): MicroCase {
  const address = clientAddress(IPV4, method);
  const { requester } = core.allocate(address);
  requester.request(method, write);
  const nonce = challenge(core, address, unsignedRequest(method, write));
  const request = signedRequest(method, write, { nonce, algorithm, hasFingerprint: false });
  const run = (calls: number): number => {
    let bytes = 0;
    for (let call = 0; call < calls; call++) bytes += core.exchange(address, request).length;
    return bytes;
  };
  return { name, calls: CLIENTS, run };
}

function bindings(core: DrivenCore): MicroCase {
  const address = clientAddress(IPV4, 0);
  const request = unsignedRequest(METHOD.BINDING, (writer) => writer);
  const run = (calls: number): number => {
    let bytes = 0;
    for (let call = 0; call < calls; call++) bytes += core.exchange(address, request).length;
    return bytes;
  };
  return { name: 'Binding', calls: CLIENTS, run };
}
