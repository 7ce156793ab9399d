import {
  PictureLossIndication,
  RTCPeerConnection,
  type RTCRtpTransceiver,
  type RtcpPacket,
  RtcpPayloadSpecificFeedback,
  type RtpPacket,
  useNACK,
  useOPUS,
  usePLI,
  useSdesMid,
  useVP8,
} from 'werift';
import { Nomination } from './nomination.ts';
import type { IceCandidate, PortRange } from './media-server.ts';

/** What a leg asks, and what it tells. */
export interface LegEvents {
  /** True when messages from there are to be answered. */
  readonly hears: (host: string, port: number) => boolean;
  /** The browser cannot be reached, or cannot be any more. */
  readonly failed: () => void;
  /** The ports are free again. */
  readonly closed: () => void;
}

/** The connection of the media server to one browser. */
export class WeriftLeg {
  readonly #connection: RTCPeerConnection;
  readonly #closed: () => void;
  /** One for audio and one for video, as the browser offers them. */
  readonly #transceivers = new Map<string, RTCRtpTransceiver>();
  readonly #nomination = new Nomination();
  #early: IceCandidate[] | undefined = [];
  #other: WeriftLeg | undefined;

  /**
   * @param address - the only address to listen on.
   * @param ports - the only ports to use, two at least.
   */
  constructor(address: string, ports: PortRange, { hears, failed, closed }: LegEvents) {
    this.#closed = closed;
    this.#connection = new RTCPeerConnection({
      iceServers: [],
      // No address of the machine but the one that is wanted.
      iceUseIpv4: false,
      iceUseIpv6: false,
      iceInterfaceAddresses: address.includes(':') ? { udp6: address } : { udp4: address },
      iceAdditionalHostAddresses: [address],
      icePortRange: [ports.min, ports.max],
      // What a firewall does in front of a media server: it hears nobody but the gateway.
      iceFilterStunResponse: (request, from) => {
        if (!hears(...from)) return false;
        for (const each of this.#iceConnections()) this.#nomination.follow(each, request, from);
        return true;
      },
      bundlePolicy: 'max-bundle',
      // No transport-wide congestion control: with that of the library browsers send a quarter of what they could.
      codecs: {
        audio: [useOPUS()],
        video: [useVP8({ rtcpFeedback: [useNACK(), usePLI()] })],
      },
      headerExtensions: { audio: [useSdesMid()], video: [useSdesMid()] },
    });
    this.#connection.connectionStateChange.subscribe((state) => {
      if (state === 'failed') failed();
    });
    this.#connection.onRemoteTransceiverAdded.subscribe((transceiver) => this.#add(transceiver));
  }

  /** Answers the offer of the browser, with the address of the media server. */
  async answer(offerSdp: string): Promise<string> {
    await this.#connection.setRemoteDescription({ type: 'offer', sdp: offerSdp });
    if (this.#transceivers.size === 0) throw new Error('the offer of the browser has no media');
    // The library would ask a server of Google's, and wait for it.
    for (const each of this.#iceConnections()) delete each.stunServer;
    await this.#connection.setLocalDescription(await this.#connection.createAnswer());
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const candidate of early) this.addCandidate(candidate);
    return this.#connection.localDescription!.sdp;
  }

  /** Takes an address of the browser, before or after its offer. */
  addCandidate({ candidate, sdpMid, sdpMLineIndex }: IceCandidate): void {
    if (this.#early !== undefined) {
      this.#early.push({ candidate, sdpMid: sdpMid ?? null, sdpMLineIndex: sdpMLineIndex ?? null });
      return;
    }
    const of = {
      ...(sdpMid == null ? {} : { sdpMid }),
      ...(sdpMLineIndex == null ? {} : { sdpMLineIndex }),
    };
    // An address that cannot be used, such as a TCP one, is not an end of the call.
    this.#connection.addIceCandidate({ candidate, ...of }).catch(() => undefined);
  }

  /** Has whatever its browser sends sent to the browser of another leg, from now on. */
  forwardTo(other: WeriftLeg): void {
    this.#other = other;
  }

  /** Sends a packet of the other browser to this one. */
  send(kind: string, packet: RtpPacket): void {
    // Numbers of extensions differ from browser to browser: the sender writes its own.
    packet.header.extensions = [];
    void this.#transceivers.get(kind)?.sender.sendRtp(packet);
  }

  /** Asks the browser for a picture that does not build on earlier ones. */
  askForPicture(): void {
    const receiver = this.#transceivers.get('video')?.receiver;
    const ssrc = receiver?.track.ssrc;
    if (ssrc !== undefined) void receiver?.sendRtcpPLI(ssrc);
  }

  /** Ends the connection; resolves once its port is free. */
  async close(): Promise<void> {
    await this.#connection.close();
    this.#closed();
  }

  #iceConnections() {
    return this.#connection.iceTransports.map(({ connection }) => connection);
  }

  #add(transceiver: RTCRtpTransceiver): void {
    const { kind, sender, receiver, onTrack } = transceiver;
    transceiver.setDirection('sendrecv');
    this.#transceivers.set(kind, transceiver);
    onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe((packet) => this.#other?.send(kind, packet));
    });
    if (kind !== 'video') return;
    const askForPicture = (): void => this.#other?.askForPicture();
    sender.onReady.subscribe(askForPicture);
    sender.onPictureLossIndication.subscribe(askForPicture);
    // The library takes what a browser that sends itself asks of the sender for a word to the receiver.
    receiver.onRtcp.subscribe((packet) => {
      if (isPictureLoss(packet)) askForPicture();
    });
  }
}

function isPictureLoss(packet: RtcpPacket): boolean {
  return (
    packet instanceof RtcpPayloadSpecificFeedback &&
    packet.feedback instanceof PictureLossIndication
  );
}
