import { PeerConnection } from 'node-datachannel';
import { RTCPeerConnection } from 'node-datachannel/polyfill';
import { gatePeer, type GatedPeer } from '../../../test/support/relay-gate.ts';
import { onlyCandidatesOn } from '../../../test/support/webrtc.ts';

const HOST = '127.0.0.1';

/** A peer that sends back the messages of data channels, of a stack that sends again what gets lost. */
export interface PatientPeer {
  /** Answers an offer that names all candidates, with one candidate that only relayed addresses reach; once. */
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
  let gate: GatedPeer | undefined;
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
      gate = await gatePeer(onlyCandidatesOn(HOST, connection.localDescription!.sdp));
      return gate.sdp;
    },
    close() {
      connection.close();
      gate?.close();
    },
  };
}
