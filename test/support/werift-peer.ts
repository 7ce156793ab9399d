import { RTCPeerConnection, type MediaStreamTrack, type RTCRtpTransceiver } from 'werift';
import { onlyCandidatesOn } from './webrtc.ts';
import { Vp8FrameCounter } from './vp8-frame-counter.ts';

/** A peer behind the gateway that sends back what it receives: data channel messages and video. */
export interface EchoPeer {
  /** What has arrived of the caller's video. */
  readonly video: Vp8FrameCounter;
  /** Answers an offer that names all candidates, with one host candidate. */
  answer(offerSdp: string): Promise<string>;
  close(): Promise<void>;
}

/** Opens an echo peer that is reachable on a loopback address only. */
export function openEchoPeer(address: '127.0.0.1' | '::1'): EchoPeer {
  const isIpv6 = address === '::1';
  const connection = new RTCPeerConnection({
    iceServers: [],
    iceUseIpv4: !isIpv6,
    iceUseIpv6: isIpv6,
    iceAdditionalHostAddresses: [address],
  });
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
      return onlyCandidatesOn(address, connection.localDescription!.sdp);
    },
    close: () => connection.close(),
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
