import { PeerConnection } from 'node-datachannel';
import { RTCPeerConnection } from 'node-datachannel/polyfill';
import { onlyCandidatesOn } from '../../../test/support/webrtc.ts';

const HOST = '127.0.0.1';

/** A peer that sends back the messages of data channels, of a stack that sends again what gets lost. */
export interface PatientPeer {
  /** Answers an offer that names all candidates, with host candidates on IPv4 loopback. */
  answer(offerSdp: string): Promise<string>;
  close(): void;
}

/** Opens a peer that is reachable on loopback only. */
export function openPatientPeer(): PatientPeer {
  const peerConnection = new PeerConnection('peer', { iceServers: [], bindAddress: HOST });
  const connection = new RTCPeerConnection({ peerConnection });
  // The events of its addEventListener are of no type that names the channel.
  // oxlint-disable-next-line prefer-add-event-listener
  connection.ondatachannel = ({ channel }) => {
    // oxlint-disable-next-line prefer-add-event-listener
    channel.onmessage = (event: { readonly data: unknown }) => channel.send(String(event.data));
  };
  return {
    async answer(offerSdp) {
      await connection.setRemoteDescription({ type: 'offer', sdp: offerSdp });
      const gathered = new Promise<void>((resolve) => {
        connection.addEventListener('icegatheringstatechange', () => {
          if (connection.iceGatheringState === 'complete') resolve();
        });
      });
      await connection.setLocalDescription(await connection.createAnswer());
      if (connection.iceGatheringState !== 'complete') await gathered;
      return onlyCandidatesOn(HOST, connection.localDescription!.sdp);
    },
    close: () => connection.close(),
  };
}
