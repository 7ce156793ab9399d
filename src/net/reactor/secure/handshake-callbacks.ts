import { loadOpenSsl, registerCallback } from '../../../sys/openssl.ts';
import {
  SSL_CLIENT_HELLO_SUCCESS,
  SSL_TLSEXT_ERR_NOACK,
  SSL_TLSEXT_ERR_OK,
} from '../../../sys/openssl-constants.ts';
import { ALPN_PROTOCOLS } from '../../shared/alpn-protocols.ts';
import { readAlpnProtocols, readServerName } from './hello-extensions.ts';
import { readNative, scratchMemory } from './native-memory.ts';
import type { SecureContext } from './secure-context.ts';

/** TLS-ALPN-01 (RFC 8737 §6.2). */
const ACME_PROTOCOL = 'acme-tls/1';

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
let current: SecureContext | undefined;
/** The handshake answers a TLS-ALPN-01 challenge. */
let isChallenge = false;
let registered: HandshakeCallbacks | undefined;

/** The callbacks of this thread. */
export function handshakeCallbacks(): HandshakeCallbacks {
  registered ??= {
    clientHello: registerCallback('clientHello', (ssl) => selectContext(ssl!)),
    alpnSelect: registerCallback('alpnSelect', (_ssl, out, outLength, offered, length) =>
      selectProtocol(out!, outLength!, offered!, length!),
    ),
    // Cookies are verified before there is anything to call back for.
    cookieVerify: registerCallback('cookieVerify', () => 1),
  };
  return registered;
}

/**
 * Takes a step of a handshake that began with `context`.
 *
 * @returns the result of `step`.
 */
export function duringHandshake(context: SecureContext, step: () => number): number {
  current = context;
  isChallenge = false;
  try {
    return step();
  } finally {
    current = undefined;
  }
}

function selectContext(ssl: number): number {
  const serverName = readServerName(helloExtension(ssl, SERVER_NAME_EXTENSION));
  const offersAcme = readAlpnProtocols(helloExtension(ssl, ALPN_EXTENSION)).some(
    ({ name }) => name === ACME_PROTOCOL,
  );
  const challenge = offersAcme ? current!.challengeFor(serverName) : undefined;
  isChallenge = challenge !== undefined;
  loadOpenSsl().SSL_set_SSL_CTX(ssl, challenge ?? current!.contextFor(serverName));
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
  const wanted = isChallenge ? [ACME_PROTOCOL] : ALPN_PROTOCOLS;
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
