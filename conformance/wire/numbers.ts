/** Methods (RFC 8489 §18.2, RFC 8656 §17). */
export const METHOD = {
  BINDING: 0x001,
  ALLOCATE: 0x003,
  REFRESH: 0x004,
  SEND: 0x006,
  DATA: 0x007,
  CREATE_PERMISSION: 0x008,
  CHANNEL_BIND: 0x009,
} as const;

/** Class bits as they lie in the message type (RFC 8489 §5). */
export const CLASS = {
  REQUEST: 0x000,
  INDICATION: 0x010,
  SUCCESS: 0x100,
  ERROR: 0x110,
} as const;

/** Attribute types (RFC 8489 §18.3, RFC 8656 §18, and those of extensions). */
export const ATTRIBUTE = {
  MAPPED_ADDRESS: 0x0001,
  CHANGE_REQUEST: 0x0003,
  USERNAME: 0x0006,
  MESSAGE_INTEGRITY: 0x0008,
  ERROR_CODE: 0x0009,
  UNKNOWN_ATTRIBUTES: 0x000a,
  CHANNEL_NUMBER: 0x000c,
  LIFETIME: 0x000d,
  XOR_PEER_ADDRESS: 0x0012,
  DATA: 0x0013,
  REALM: 0x0014,
  NONCE: 0x0015,
  XOR_RELAYED_ADDRESS: 0x0016,
  REQUESTED_ADDRESS_FAMILY: 0x0017,
  EVEN_PORT: 0x0018,
  REQUESTED_TRANSPORT: 0x0019,
  DONT_FRAGMENT: 0x001a,
  ACCESS_TOKEN: 0x001b,
  MESSAGE_INTEGRITY_SHA256: 0x001c,
  PASSWORD_ALGORITHM: 0x001d,
  USERHASH: 0x001e,
  XOR_MAPPED_ADDRESS: 0x0020,
  RESERVATION_TOKEN: 0x0022,
  PADDING: 0x0026,
  RESPONSE_PORT: 0x0027,
  ADDITIONAL_ADDRESS_FAMILY: 0x8000,
  ADDRESS_ERROR_CODE: 0x8001,
  PASSWORD_ALGORITHMS: 0x8002,
  ICMP: 0x8004,
  SOFTWARE: 0x8022,
  FINGERPRINT: 0x8028,
  OTHER_ADDRESS: 0x802c,
  THIRD_PARTY_AUTHORIZATION: 0x802e,
  MOBILITY_TICKET: 0x8030,
} as const;

/** Value in bytes 4 to 7 of every message (RFC 8489 §5). */
export const MAGIC_COOKIE = 0x2112a442;
/** Bytes before the first attribute (RFC 8489 §5). */
export const HEADER_BYTES = 20;
/** Bytes of a transaction ID (RFC 8489 §5). */
export const TRANSACTION_ID_BYTES = 12;
/** Numbers of the password algorithms (RFC 8489 §18.5.1). */
export const MD5 = 1;
export const SHA_256 = 2;
/** Number of UDP in REQUESTED-TRANSPORT (RFC 8656 §18.7). */
export const PROTOCOL_UDP = 17;

/** The message type of a method and a class, whose bits lie between those of the method (RFC 8489 §5). */
export function messageType(method: number, messageClass: number): number {
  const high = (method & 0xf80) << 2;
  const middle = (method & 0x070) << 1;
  return high | middle | (method & 0x00f) | messageClass;
}

/** The next multiple of four, to which values are padded (RFC 8489 §14). */
export function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
