import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { CHANNEL_DATA_HEADER_BYTES } from '../turn/channel-data.ts';
import { StreamFramer } from '../turn/stream-framer.ts';
import { ClientError, socketFailure } from './client-error.ts';
import { endpointText } from './endpoint-text.ts';
import { reportCertificate, tlsFailure, type PeerCertificateReport } from './tls-report.ts';
import type { ClientTransport, ClientTransportHandler, ServerEndpoint } from './transport.ts';
import { localAddress } from './udp-transport.ts';

/** How a client judges the certificate of a server. */
export interface TlsTrust {
  /** PEM of the authorities to trust; undefined: those of Node.js. */
  readonly ca: string | undefined;
  /** Name to ask for and to check the certificate against; may be an IP address. */
  readonly serverName: string;
  /** Goes on with a certificate that is not trusted; it is reported all the same. */
  readonly isInsecure: boolean;
}

/**
 * Opens a TCP connection, with TLS on top when `tls` is given.
 *
 * @param connectMs - deadline of connecting and of the handshake, each.
 * @throws ClientError `refused`, `timeout`, `unreachable`, `tls` or `closed`.
 */
export async function openStreamTransport(
  server: ServerEndpoint,
  handler: ClientTransportHandler,
  { tls, connectMs }: { tls: TlsTrust | undefined; connectMs: number },
): Promise<ClientTransport> {
  const what = `TCP to ${endpointText(server.ip, server.port)}`;
  const plain = connectTcp({ host: server.ip, port: server.port, noDelay: true });
  await settled(plain, 'connect', connectMs, {
    late: () => new ClientError('timeout', `${what}: no answer`),
    failed: (error) => socketFailure(error, what),
  });
  if (tls === undefined) return overStream(plain, handler, undefined);
  const secure = connectTls({
    socket: plain,
    rejectUnauthorized: false,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
    // What the handshake does not check is checked, and reported in full, below.
    checkServerIdentity: () => undefined,
  });
  const handshake = `TLS with ${endpointText(server.ip, server.port)}`;
  await settled(secure, 'secureConnect', connectMs, {
    late: () => new ClientError('timeout', `${handshake}: the handshake is not answered`),
    failed: (error) => tlsFailure(error, handshake),
  });
  const certificate = reportCertificate(secure, tls.serverName);
  if (certificate.problems.length > 0 && !tls.isInsecure) {
    secure.destroy();
    throw new ClientError('tls', `${handshake}: ${certificate.problems.join('; ')}`);
  }
  return overStream(secure, handler, certificate);
}

/** Waits for an event of a socket; ends the socket when there is an error, an end, or nothing in time. */
async function settled(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  failures: { late: () => ClientError; failed: (error: Error) => ClientError },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const end = (error?: ClientError): void => {
      clearTimeout(timer);
      socket.off(event, succeed).off('error', fail).off('close', onClose);
      if (error === undefined) return resolve();
      socket.on('error', ignore).destroy();
      reject(error);
    };
    const succeed = (): void => end();
    const fail = (error: Error): void => end(failures.failed(error));
    const onClose = (): void => fail(new Error('the other side closed the connection'));
    const timer = setTimeout(() => end(failures.late()), timeoutMs);
    socket.once(event, succeed).once('error', fail).once('close', onClose);
  });
}

function overStream(
  socket: Socket | TLSSocket,
  handler: ClientTransportHandler,
  certificate: PeerCertificateReport | undefined,
): ClientTransport {
  let isOpen = true;
  const fail = (error: ClientError): void => {
    if (!isOpen) return;
    isOpen = false;
    socket.destroy();
    handler.onClosed(error);
  };
  readFrames(socket, handler, fail);
  const { localAddress: ip = '0.0.0.0', localPort = 0 } = socket;
  return {
    isReliable: true,
    local: localAddress(ip, localPort),
    certificate,
    send: (frame) =>
      new Promise((resolve) => {
        if (!isOpen || socket.write(padded(frame))) return resolve();
        const proceed = (): void => {
          socket.off('drain', proceed).off('close', proceed);
          resolve();
        };
        socket.on('drain', proceed).on('close', proceed);
      }),
    close: () =>
      new Promise((resolve) => {
        isOpen = false;
        if (socket.closed) return resolve();
        socket.once('close', () => resolve());
        socket.destroySoon();
      }),
  };
}

function readFrames(
  socket: Socket | TLSSocket,
  handler: ClientTransportHandler,
  fail: (error: ClientError) => void,
): void {
  const what = socket.remoteAddress ?? 'the server';
  const framer = new StreamFramer();
  socket.on('data', (chunk) => {
    framer.push(chunk, 0, chunk.length);
    while (framer.next()) {
      handler.onFrame(framer.bytes.subarray(framer.offset, framer.offset + framer.length));
    }
    if (framer.isBroken) {
      fail(new ClientError('protocol', `${what} sends something that is neither STUN nor TURN`));
    }
  });
  socket.on('error', (error) =>
    fail('encrypted' in socket ? tlsFailure(error, what) : socketFailure(error, what)),
  );
  socket.on('close', () => fail(new ClientError('closed', `${what} closed the connection`)));
}

/** ChannelData on a stream ends at a multiple of four bytes (RFC 8656 §12.5). */
function padded(frame: Uint8Array): Uint8Array {
  // A copy, since the socket may keep the bytes longer than the caller.
  const whole = new Uint8Array(Math.ceil(frame.length / PADDING_BYTES) * PADDING_BYTES);
  whole.set(frame);
  return whole;
}

function ignore(): void {
  // An error that follows the one already told says nothing new.
}

const PADDING_BYTES = CHANNEL_DATA_HEADER_BYTES;
