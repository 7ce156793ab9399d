import type {
  MediaStreamTrack,
  RTCDataChannel,
  RTCPeerConnection,
  RTCRtpTransceiver,
} from 'werift';
import type { EchoAddress } from '../../config/echo-options.ts';
import {
  ECHO_CONNECTING_SECONDS_MAX,
  ECHO_SESSION_SECONDS_MAX,
  ECHO_SILENCE_SECONDS_MAX,
  ECHO_WAITING_BYTES_MAX,
} from '../../limits.ts';
import type { WeriftLibrary } from './werift-library.ts';

/** One WebRTC connection whose data channels, audio and video come back to where they came from. */
export class EchoSession {
  readonly #connection: RTCPeerConnection;
  readonly #onEnd: () => void;
  readonly #connecting = this.#endAfter(ECHO_CONNECTING_SECONDS_MAX);
  readonly #silence = this.#endAfter(ECHO_SILENCE_SECONDS_MAX);
  readonly #whole = this.#endAfter(ECHO_SESSION_SECONDS_MAX);
  #isEnded = false;

  /** @param onEnd - called once, when the connection has ended by whichever side. */
  constructor(
    { RTCPeerConnection: Connection }: WeriftLibrary,
    address: EchoAddress,
    onEnd: () => void,
  ) {
    const { ip, minPort, maxPort } = address;
    this.#onEnd = onEnd;
    this.#connection = new Connection({
      iceServers: [],
      // Of the addresses of this machine just the one that was named, loopback too.
      iceUseIpv4: false,
      iceUseIpv6: false,
      iceAdditionalHostAddresses: [ip],
      iceInterfaceAddresses: ip.includes(':') ? { udp6: ip } : { udp4: ip },
      icePortRange: [minPort, maxPort],
    });
    this.#connection.onDataChannel.subscribe((channel) => this.#echoMessages(channel));
    this.#connection.onRemoteTransceiverAdded.subscribe((media) => this.#echoMedia(media));
    this.#connection.connectionStateChange.subscribe((state) => {
      if (state === 'connected') clearTimeout(this.#connecting);
      if (['closed', 'disconnected', 'failed'].includes(state)) void this.end();
    });
  }

  /** Answers an offer; rejects when it is none. The answer has no candidate when every port is taken. */
  async answer(offer: string): Promise<string> {
    const connection = this.#connection;
    await connection.setRemoteDescription({ type: 'offer', sdp: offer });
    // The library would ask a server of Google's, and wait for it.
    for (const { connection: ice } of connection.iceTransports) delete ice.stunServer;
    await connection.setLocalDescription(await connection.createAnswer());
    return connection.localDescription?.sdp ?? '';
  }

  /** Ends the connection; does not reject. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const timer of [this.#connecting, this.#silence, this.#whole]) clearTimeout(timer);
    this.#onEnd();
    // Nobody waits for what cannot be said to the other side any more.
    await this.#connection.close().catch(() => undefined);
  }

  #endAfter(seconds: number): NodeJS.Timeout {
    return setTimeout(() => void this.end(), seconds * 1000).unref();
  }

  #echoMessages(channel: RTCDataChannel): void {
    channel.onMessage.subscribe((message) => {
      this.#silence.refresh();
      // Whoever sends and does not read would fill the memory.
      if (channel.bufferedAmount > ECHO_WAITING_BYTES_MAX || !isSent(channel, message)) {
        void this.end();
      }
    });
    channel.stateChanged.subscribe((state) => {
      if (state === 'closed') void this.end();
    });
  }

  #echoMedia(transceiver: RTCRtpTransceiver): void {
    transceiver.setDirection('sendrecv');
    const { sender, receiver } = transceiver;
    const orEnd = (work: Promise<unknown>): void => void work.catch(() => this.end());
    transceiver.onTrack.subscribe((track: MediaStreamTrack) => {
      orEnd(sender.replaceTrack(track));
      track.onReceiveRtp.subscribe(() => this.#silence.refresh());
      const { ssrc } = track;
      if (ssrc === undefined) return;
      sender.onPictureLossIndication.subscribe(() => orEnd(receiver.sendRtcpPLI(ssrc)));
    });
  }
}

/** False when the message is longer than the offer lets messages be, or the channel is about to close. */
function isSent(channel: RTCDataChannel, message: string | Buffer): boolean {
  try {
    channel.send(message);
    return true;
  } catch {
    return false;
  }
}
