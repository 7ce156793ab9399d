import { IPV6, type TransportAddress } from '../../src/stun/transport-address.ts';

/** The first bytes of every version 2 header. */
export const PROXY_V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A PROXY protocol header of version 1 for two addresses of one family. */
export function proxyLine(source: TransportAddress, destination: TransportAddress): Buffer {
  const protocol = source.family === IPV6 ? 'TCP6' : 'TCP4';
  const ports = `${source.port} ${destination.port}`;
  return Buffer.from(`PROXY ${protocol} ${source.ip()} ${destination.ip()} ${ports}\r\n`);
}

/** A PROXY protocol header of version 2 for two addresses of one family. */
export function proxyV2(
  source: TransportAddress,
  destination: TransportAddress,
  tlvs: Uint8Array = new Uint8Array(0),
): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port);
  ports.writeUInt16BE(destination.port, 2);
  const payload = Buffer.from([...source.ipBytes(), ...destination.ipBytes(), ...ports, ...tlvs]);
  const protocol = source.family === IPV6 ? 0x21 : 0x11;
  return proxyV2Of(0x21, protocol, payload);
}

/** A PROXY protocol header of version 2 with any command, family and payload. */
export function proxyV2Of(command: number, protocol: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const fixed = Buffer.from([command, protocol, length >> 8, length & 0xff]);
  return Buffer.concat([PROXY_V2_SIGNATURE, fixed, payload]);
}
