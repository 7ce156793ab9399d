import type {
  MediaStreamTrack,
  RTCDataChannel,
  RTCPeerConnection,
  RTCRtpTransceiver,
} from 'werift';
import {
  ECHO_SESSION_SECONDS_MAX,
  ECHO_SILENCE_SECONDS_MAX,
  ECHO_WAITING_BYTES_MAX,
} from '../../limits.ts';
import type { WeriftLibrary } from './werift-library.ts';

/** Where an echo receives. */
export interface EchoAddress {
  /** IP address of this machine. */
  readonly ip: string;
  /** UDP ports, at least two. */
  readonly minPort: number;
  readonly maxPort: number;
}

/** One WebRTC connection whose data channels, audio and video come back to where they came from. */
export class EchoSession {
  readonly #connection: RTCPeerConnection;
  readonly #onEnd: () => void;
  readonly #silence: NodeJS.Timeout;
  readonly #end: NodeJS.Timeout;
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
      if (['closed', 'disconnected', 'failed'].includes(state)) void this.end();
    });
    this.#silence = setTimeout(() => void this.end(), ECHO_SILENCE_SECONDS_MAX * 1000).unref();
    this.#end = setTimeout(() => void this.end(), ECHO_SESSION_SECONDS_MAX * 1000).unref();
  }

  /** Answers an offer; rejects when it is none. The answer has no candidate when every port is taken. */
  async answer(offer: string): Promise<string> {
    const connection = this.#connection;
    await connection.setRemoteDescription({ type: 'offer', sdp: offer });
    await connection.setLocalDescription(await connection.createAnswer());
    return connection.localDescription?.sdp ?? '';
  }

  /** Ends the connection. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#end);
    this.#onEnd();
    await this.#connection.close();
  }

  #echoMessages(channel: RTCDataChannel): void {
    channel.onMessage.subscribe((message) => {
      this.#silence.refresh();
      // Whoever sends and does not read would fill the memory.
      if (channel.bufferedAmount > ECHO_WAITING_BYTES_MAX) void this.end();
      else channel.send(message);
    });
    channel.stateChanged.subscribe((state) => {
      if (state === 'closed') void this.end();
    });
  }

  #echoMedia(transceiver: RTCRtpTransceiver): void {
    transceiver.setDirection('sendrecv');
    const { sender, receiver } = transceiver;
    transceiver.onTrack.subscribe((track: MediaStreamTrack) => {
      void sender.replaceTrack(track);
      track.onReceiveRtp.subscribe(() => this.#silence.refresh());
      const { ssrc } = track;
      if (ssrc === undefined) return;
      sender.onPictureLossIndication.subscribe(() => void receiver.sendRtcpPLI(ssrc));
    });
  }
}
