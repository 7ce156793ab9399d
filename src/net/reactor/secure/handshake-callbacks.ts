import { loadOpenSsl, registerCallback } from '../../../sys/openssl.ts';
import {
  SSL_CLIENT_HELLO_SUCCESS,
  SSL_TLSEXT_ERR_NOACK,
  SSL_TLSEXT_ERR_OK,
  SSL_VERIFY_NONE,
} from '../../../sys/openssl-constants.ts';
import { ACME_TLS_PROTOCOL } from '../../../tls/tls-settings.ts';
import { ALPN_PROTOCOLS } from '../../shared/alpn-protocols.ts';
import { readAlpnProtocols, readServerName } from './hello-extensions.ts';
import { readNative, scratchMemory } from './native-memory.ts';
import type { SecureContext } from './secure-context.ts';

const SERVER_NAME_EXTENSION = 0;
const ALPN_EXTENSION = 16;
const POINTER_BYTES = 8;

/** Native addresses of the functions that OpenSSL calls during handshakes. */
export interface HandshakeCallbacks {
  readonly clientHello: number;
  readonly alpnSelect: number;
  readonly cookieVerify: number;
}

/** Whose handshake goes on; OpenSSL calls back only from within a call of `duringHandshake`. */
let current: ShakingHands | undefined;
let registered: HandshakeCallbacks | undefined;

/** A channel during its handshake. */
interface ShakingHands {
  readonly context: SecureContext;
  isChallenge: boolean;
}

/** The callbacks of this thread. */
export function handshakeCallbacks(): HandshakeCallbacks {
  registered ??= {
    clientHello: registerCallback('clientHello', (ssl) => selectContext(ssl)),
    alpnSelect: registerCallback('alpnSelect', (_ssl, out, outLength, offered, length) =>
      selectProtocol(out, outLength, offered, length),
    ),
    // Cookies are verified before there is anything to call back for.
    cookieVerify: registerCallback('cookieVerify', () => 1),
  };
  return registered;
}

/** Takes a step of the handshake of a channel; returns the result of `step`. */
export function duringHandshake(channel: ShakingHands, step: () => number): number {
  current = channel;
  try {
    return step();
  } finally {
    current = undefined;
  }
}

function selectContext(ssl: number): number {
  const serverName = readServerName(helloExtension(ssl, SERVER_NAME_EXTENSION));
  const offersAcme = readAlpnProtocols(helloExtension(ssl, ALPN_EXTENSION)).some(
    ({ name }) => name === ACME_TLS_PROTOCOL,
  );
  const { context } = current!;
  const challenge = offersAcme ? context.challengeFor(serverName) : undefined;
  const openssl = loadOpenSsl();
  openssl.SSL_set_SSL_CTX(ssl, challenge ?? context.contextFor(serverName));
  if (challenge !== undefined) {
    current!.isChallenge = true;
    // The directory has no certificate to show, and gets no further than this handshake.
    openssl.SSL_set_verify(ssl, SSL_VERIFY_NONE, 0);
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

function helloExtension(ssl: number, type: number): Buffer | undefined {
  const { bytes, address } = scratchMemory();
  const found = loadOpenSsl().SSL_client_hello_get0_ext(
    ssl,
    type,
    address,
    address + POINTER_BYTES,
  );
  if (found !== 1) return undefined;
  const pointer = Number(bytes.readBigUInt64LE(0));
  return readNative(pointer, Number(bytes.readBigUInt64LE(POINTER_BYTES)));
}

/** No protocol in common is no reason to refuse: the port tells what is spoken. */
function selectProtocol(
  out: number,
  outLength: number,
  offered: number,
  offeredLength: number,
): number {
  const list = readNative(offered, offeredLength);
  const protocols = readAlpnProtocols(list === undefined ? undefined : withLength(list));
  const wanted = current!.isChallenge ? [ACME_TLS_PROTOCOL] : ALPN_PROTOCOLS;
  const chosen = protocols.find(({ name }) => wanted.includes(name));
  if (chosen === undefined) return SSL_TLSEXT_ERR_NOACK;
  const { bytes, address } = scratchMemory();
  bytes.writeBigUInt64LE(BigInt(offered + chosen.offset - LENGTH_BYTES), 0);
  bytes.writeUInt8(chosen.name.length, POINTER_BYTES);
  loadOpenSsl().memcpy(out, address, POINTER_BYTES);
  loadOpenSsl().memcpy(outLength, address + POINTER_BYTES, 1);
  return SSL_TLSEXT_ERR_OK;
}

const LENGTH_BYTES = 2;

/** The list as it stands in the extension: with its length in front. */
function withLength(list: Buffer): Buffer {
  const extension = Buffer.alloc(LENGTH_BYTES + list.length);
  extension.writeUInt16BE(list.length);
  list.copy(extension, LENGTH_BYTES);
  return extension;
}
