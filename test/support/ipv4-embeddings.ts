/** An IPv4 address in network order. */
export type Bytes4 = readonly [number, number, number, number];

const hex = (...bytes: number[]): string =>
  bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Every way to write an IPv4 address as IPv6; those whose names end in `*` hold noise where zeros would do. */
export const EMBEDDINGS: Record<string, (ipv4: Bytes4) => string> = {
  compatible: ([a, b, c, d]) => `::${hex(a, b)}:${hex(c, d)}`,
  mapped: ([a, b, c, d]) => `::ffff:${hex(a, b)}:${hex(c, d)}`,
  siit: ([a, b, c, d]) => `::ffff:0:${hex(a, b)}:${hex(c, d)}`,
  nat64: ([a, b, c, d]) => `64:ff9b::${hex(a, b)}:${hex(c, d)}`,
  'local nat64 /48': ([a, b, c, d]) => `64:ff9b:1:${hex(a, b)}:${hex(0, c)}:${hex(d, 0)}::`,
  'local nat64 /48 *': ([a, b, c, d]) => `64:ff9b:1:${hex(a, b)}:${hex(0, c)}:${hex(d, 9)}:909:909`,
  'local nat64 /56': ([a, b, c, d]) => `64:ff9b:1:${hex(0x12, a)}:${hex(0, b)}:${hex(c, d)}::`,
  'local nat64 /64': ([a, b, c, d]) => `64:ff9b:1:1234:${hex(0, a)}:${hex(b, c)}:${hex(d, 0)}:0`,
  'local nat64 /96': ([a, b, c, d]) => `64:ff9b:1::${hex(a, b)}:${hex(c, d)}`,
  'local nat64 /96 *': ([a, b, c, d]) => `64:ff9b:1:1234:12:3456:${hex(a, b)}:${hex(c, d)}`,
  '6to4': ([a, b, c, d]) => `2002:${hex(a, b)}:${hex(c, d)}::1`,
  'Teredo server': ([a, b, c, d]) => `2001:0:${hex(a, b)}:${hex(c, d)}:0:0:f5ff:fffe`,
  'Teredo client': ([a, b, c, d]) =>
    `2001:0:cb00:7101:0:0:${hex(a ^ 255, b ^ 255)}:${hex(c ^ 255, d ^ 255)}`,
  ISATAP: ([a, b, c, d]) => `2001:db8::5efe:${hex(a, b)}:${hex(c, d)}`,
  'ISATAP universal': ([a, b, c, d]) => `fd00:1:2:3:200:5efe:${hex(a, b)}:${hex(c, d)}`,
};

/** The bytes of a dotted IPv4 address that a test knows to be one. */
export function bytes4(ip: string): Bytes4 {
  const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number);
  return [a, b, c, d];
}
