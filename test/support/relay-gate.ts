import { DatagramProxy } from './datagram-proxy.ts';
import { RELAY_PORTS } from './free-ports.ts';

const HOST = '127.0.0.1';
const CANDIDATE = /(a=candidate:.* 127\.0\.0\.1 )(\d+)( typ host)/;

/** A peer that only relayed addresses reach. */
export interface GatedPeer {
  /** The answer of the peer, with the gate in the place of its one candidate. */
  readonly sdp: string;
  close(): void;
}

/**
 * Puts a gate in front of a peer on IPv4 loopback that lets only relayed addresses in: some stacks try the direct way,
 * whatever they are told.
 *
 * @param answerSdp - with one host candidate; throws Error without any.
 */
export async function gatePeer(answerSdp: string): Promise<GatedPeer> {
  const port = CANDIDATE.exec(answerSdp)?.[2];
  if (port === undefined) throw new Error('the peer has no candidate');
  const gate = await DatagramProxy.open({ host: HOST, port: Number(port) }, undefined, isRelayed);
  return {
    sdp: answerSdp.replace(CANDIDATE, `$1${gate.address.port}$3`),
    close: () => gate.close(),
  };
}

function isRelayed(port: number): boolean {
  return port >= RELAY_PORTS.min;
}
