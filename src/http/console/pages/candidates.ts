/** A candidate as far as the test page reads it. */
export interface Candidate {
  readonly address: string;
  readonly port: number;
  /** `host`, `srflx`, `prflx` or `relay`. */
  readonly type: string;
}

/** Reads the UDP candidates of a session description (RFC 8839 §5.1). */
export function candidatesOf(sdp: string): Candidate[] {
  return sdp
    .split(/\r?\n/)
    .filter((line) => line.startsWith('a=candidate:'))
    .flatMap((line) => {
      const [, , transport = '', , address = '', port = '', , type = ''] = line.split(' ');
      return transport.toLowerCase() === 'udp' ? [{ address, port: Number(port), type }] : [];
    });
}
