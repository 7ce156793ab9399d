import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { CHANNEL_DATA_HEADER_BYTES } from '../../src/turn/channel-data.ts';
import { StreamFramer } from '../../src/turn/stream-framer.ts';

/** Where a server listens. */
export interface ServerAddress {
  /** IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Carries whole STUN messages and ChannelData frames to one server. */
export interface TurnTransport {
  /** False when messages may get lost, so that requests have to be sent again. */
  readonly isReliable: boolean;
  /** Own port. */
  readonly localPort: number;
  /** Sends one message or frame; the bytes are borrowed until the socket has sent them. */
  send(frame: Uint8Array): void;
  close(): Promise<void>;
}

/** Receives one message or frame, borrowed for the call, and is told once when no more will come. */
export interface TurnTransportHandler {
  onFrame(frame: Uint8Array): void;
  onClosed(reason: Error): void;
}

/** A reliable connection, such as a socket of TCP or TLS. */
export type OpenConnection = Duplex & { readonly localPort?: number | undefined };

/** Opens a UDP socket connected to `server`; `localAddress` is the IP address it sends from, if not any. */
export async function openUdp(
  server: ServerAddress,
  handler: TurnTransportHandler,
  localAddress?: string,
): Promise<TurnTransport> {
  const socket = createSocket({
    type: server.host.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: 4 * 1024 * 1024,
  });
  socket.on('message', (frame) => handler.onFrame(frame));
  socket.on('error', (error) => handler.onClosed(error));
  if (localAddress !== undefined) {
    socket.bind(0, localAddress);
    await once(socket, 'listening');
  }
  socket.connect(server.port, server.host);
  await once(socket, 'connect');
  return {
    isReliable: false,
    localPort: socket.address().port,
    send: (frame) => socket.send(frame, () => undefined),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** Opens a TCP connection to `server`; ChannelData is padded to four bytes (RFC 8656 §12.5). */
export async function openTcp(
  server: ServerAddress,
  handler: TurnTransportHandler,
): Promise<TurnTransport> {
  const socket = connect({ ...server, noDelay: true });
  await once(socket, 'connect');
  return overStream(socket, handler);
}

/** Takes over a connection that is open already, such as one over TLS. */
export function overStream(socket: OpenConnection, handler: TurnTransportHandler): TurnTransport {
  const framer = new StreamFramer();
  socket.on('data', (chunk) => {
    framer.push(chunk, 0, chunk.length);
    while (framer.next()) {
      handler.onFrame(framer.bytes.subarray(framer.offset, framer.offset + framer.length));
    }
    if (framer.isBroken) handler.onClosed(new Error('the server sent something that is not TURN'));
  });
  socket.on('error', (error) => handler.onClosed(error));
  socket.on('close', () => handler.onClosed(new Error('the connection is closed')));
  return {
    isReliable: true,
    localPort: socket.localPort!,
    send: (frame) => socket.write(padded(frame)),
    close: () =>
      new Promise((resolve) => {
        if (socket.closed) return resolve();
        socket.once('close', () => resolve());
        socket.destroy();
      }),
  };
}

function padded(frame: Uint8Array): Uint8Array {
  const isChannelData = frame[0]! >= 0x40;
  if (!isChannelData || frame.length % CHANNEL_DATA_HEADER_BYTES === 0) return frame;
  const whole = new Uint8Array((frame.length + 3) & ~3);
  whole.set(frame);
  return whole;
}
