import {
  CONNECTION_WRITE_BUFFER_BYTES_MAX,
  STREAM_FRAME_BYTES_MAX,
  STRANGER_FRAME_BYTES_MAX,
  STRANGER_UNREAD_BYTES_MAX,
} from '../../limits.ts';
import { ClientConnection } from './client-connection.ts';

/** What a client's stream connection may do in every data plane: how much it sends at once and leaves unread. */
export abstract class StreamConnection extends ClientConnection {
  /** Longest frame that the client may send now, bytes. */
  protected get frameBytesMax(): number {
    return this.client.allocation === undefined ? STRANGER_FRAME_BYTES_MAX : STREAM_FRAME_BYTES_MAX;
  }

  /** True when relayed data is to be dropped, because `waiting` bytes are unread already. */
  protected isTooSlowFor(length: number, waiting: number): boolean {
    return waiting > 0 && waiting + length > CONNECTION_WRITE_BUFFER_BYTES_MAX;
  }

  /** True when the client has left so many bytes of responses unread that it is to be disconnected. */
  protected isUnresponsive(waiting: number): boolean {
    const max = this.isStranger ? STRANGER_UNREAD_BYTES_MAX : 2 * CONNECTION_WRITE_BUFFER_BYTES_MAX;
    return waiting > max;
  }
}
