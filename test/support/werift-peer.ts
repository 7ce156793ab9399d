import { RTCPeerConnection, type MediaStreamTrack, type RTCRtpTransceiver } from 'werift';
import { gatePeer, type GatedPeer } from './relay-gate.ts';
import { onlyCandidatesOn } from './webrtc.ts';
import { Vp8FrameCounter } from './vp8-frame-counter.ts';

const HOST = '127.0.0.1';

/** A peer behind the gateway that sends back what it receives: data channel messages and video. */
export interface EchoPeer {
  /** What has arrived of the caller's video. */
  readonly video: Vp8FrameCounter;
  /** Answers an offer that names all candidates, with one candidate that only relayed addresses reach; once. */
  answer(offerSdp: string): Promise<string>;
  close(): Promise<void>;
}

/** Opens an echo peer that is reachable on IPv4 loopback only. */
export function openEchoPeer(): EchoPeer {
  const connection = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv4: true,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: [HOST],
  });
  let gate: GatedPeer | undefined;
  const video = new Vp8FrameCounter();
  connection.onDataChannel.subscribe((channel) => {
    channel.onMessage.subscribe((message) => channel.send(message));
  });
  connection.onRemoteTransceiverAdded.subscribe((transceiver) => echoVideo(transceiver, video));
  return {
    video,
    async answer(offerSdp) {
      await connection.setRemoteDescription({ type: 'offer', sdp: offerSdp });
      await connection.setLocalDescription(await connection.createAnswer());
      gate = await gatePeer(onlyCandidatesOn(HOST, connection.localDescription!.sdp));
      return gate.sdp;
    },
    async close() {
      await connection.close();
      gate?.close();
    },
  };
}

function echoVideo(transceiver: RTCRtpTransceiver, video: Vp8FrameCounter): void {
  transceiver.setDirection('sendrecv');
  const { sender, receiver } = transceiver;
  transceiver.onTrack.subscribe((track: MediaStreamTrack) => {
    void sender.replaceTrack(track);
    const askForKeyframe = (): void => void receiver.sendRtcpPLI(track.ssrc!);
    sender.onPictureLossIndication.subscribe(askForKeyframe);
    track.onReceiveRtp.subscribe((packet) => video.take(packet));
    track.onReceiveRtp.once(askForKeyframe);
  });
}
