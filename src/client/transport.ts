import type { TransportAddress } from '../stun/transport-address.ts';
import type { ClientError } from './client-error.ts';
import type { PeerCertificateReport } from './tls-report.ts';

/** Where a server listens. */
export interface ServerEndpoint {
  /** IP address without brackets. */
  readonly ip: string;
  readonly port: number;
}

/** Carries whole STUN messages and ChannelData frames to one server and back. */
export interface ClientTransport {
  /** False when messages may get lost, so that requests have to be sent again. */
  readonly isReliable: boolean;
  /** Own transport address. */
  readonly local: TransportAddress;
  /** What was seen of the server's certificate; undefined without TLS. */
  readonly certificate: PeerCertificateReport | undefined;
  /**
   * Sends one message or frame; resolves when there is room for another, also when this one could not be sent, which
   * the handler is told of.
   *
   * @param frame - borrowed until then.
   */
  send(frame: Uint8Array): Promise<void>;
  /** Closes the socket; resolves once it is closed. */
  close(): Promise<void>;
}

/** Receives one message or frame, borrowed for the call, and is told once when no more will come. */
export interface ClientTransportHandler {
  onFrame(frame: Uint8Array): void;
  onClosed(reason: ClientError): void;
}
