import wrtc from '@roamhq/wrtc';
import { PeerConnection } from 'node-datachannel';
import { RTCPeerConnection as LibjuiceConnection } from 'node-datachannel/polyfill';
import { RTCPeerConnection as WeriftConnection } from 'werift';
import type { IceServer } from './server-under-test.ts';
import type { WebRtcConnection } from './webrtc.ts';

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
