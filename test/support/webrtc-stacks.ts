import wrtc from '@roamhq/wrtc';
import { PeerConnection } from 'node-datachannel';
import { RTCPeerConnection as LibjuiceConnection } from 'node-datachannel/polyfill';
import { RTCPeerConnection as WeriftConnection } from 'werift';
import type { IceServer } from './server-under-test.ts';
import { echo, expectRelayedOnly, offerWithCandidates, type WebRtcConnection } from './webrtc.ts';

/** What a connection is opened with. */
export interface Configuration {
  readonly iceServers: IceServer[];
  readonly iceTransportPolicy: 'relay';
}

/** An implementation of WebRTC that owes nothing to the others. */
export interface Stack {
  readonly name: string;
  readonly transports: readonly ('udp' | 'tcp')[];
  readonly open: (configuration: Configuration) => WebRtcConnection;
}

/** Waits for a step of a call, such as `gathering`; may reject when it takes too long. */
export type InTime = <Value>(step: string, promise: Promise<Value>) => Promise<Value>;

/** The stack of libdatachannel. */
export const LIBJUICE: Stack = {
  name: 'libjuice',
  transports: ['udp'],
  open: openLibjuice,
};

/** All of them, with the transports over which they speak TURN. */
export const STACKS: readonly Stack[] = [
  LIBJUICE,
  {
    name: 'libwebrtc',
    transports: ['udp', 'tcp'],
    open: (configuration) => new wrtc.RTCPeerConnection(configuration),
  },
  {
    name: 'werift',
    transports: ['udp', 'tcp'],
    open: (configuration) => new WeriftConnection(configuration) as unknown as WebRtcConnection,
  },
];

/**
 * Calls a peer that sends texts back, over relayed addresses alone; resolves with what has come back.
 *
 * @param answer - what the peer answers to an offer.
 */
export async function echoCall(
  stack: Stack,
  iceServer: IceServer,
  texts: readonly string[],
  answer: (offer: string) => Promise<string>,
  inTime: InTime = (_, promise) => promise,
): Promise<string[]> {
  const connection = stack.open({ iceServers: [iceServer], iceTransportPolicy: 'relay' });
  try {
    const channel = connection.createDataChannel('echo');
    const offer = await inTime('gathering', offerWithCandidates(connection));
    expectRelayedOnly(offer);
    const echoed = echo(channel, texts);
    const sdp = await inTime('answering', answer(offer));
    await connection.setRemoteDescription({ type: 'answer', sdp });
    return await inTime('exchanging data', echoed);
  } finally {
    connection.close();
  }
}

/** Its W3C wrapper puts the credential into a URI without escaping it, so the native object is made here. */
function openLibjuice({ iceServers, iceTransportPolicy }: Configuration): WebRtcConnection {
  const peerConnection = new PeerConnection('caller', {
    iceTransportPolicy,
    iceServers: iceServers.flatMap(({ urls, username, credential: password }) =>
      urls.map((url) => {
        const [, hostname = '', port] = url.split(/[:?]/);
        return { hostname, port: Number(port), username, password, relayType: 'TurnUdp' as const };
      }),
    ),
  });
  return new LibjuiceConnection({ peerConnection });
}
