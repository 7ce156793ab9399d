/** Fixed value in bytes 4 to 7 of every STUN message (RFC 8489 §5). */
export const MAGIC_COOKIE = 0x2112a442;
/** Value that a CRC-32 is XORed with to make a FINGERPRINT: "STUN" in ASCII (RFC 8489 §14.7). */
export const FINGERPRINT_XOR = 0x5354554e;
/** Bytes before the first attribute (RFC 8489 §5). */
export const HEADER_BYTES = 20;
/** Bytes of a transaction ID (RFC 8489 §5). */
export const TRANSACTION_ID_BYTES = 12;

/** STUN and TURN methods, 12 bits (RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1). */
export const METHOD = {
  BINDING: 0x001,
  ALLOCATE: 0x003,
  REFRESH: 0x004,
  SEND: 0x006,
  DATA: 0x007,
  CREATE_PERMISSION: 0x008,
  CHANNEL_BIND: 0x009,
  CONNECT: 0x00a,
  CONNECTION_BIND: 0x00b,
  CONNECTION_ATTEMPT: 0x00c,
} as const;

/** Message classes, 2 bits (RFC 8489 §5). */
export const CLASS = {
  REQUEST: 0b00,
  INDICATION: 0b01,
  SUCCESS: 0b10,
  ERROR: 0b11,
} as const;

/** A value of {@link CLASS}. */
export type MessageClass = (typeof CLASS)[keyof typeof CLASS];

/** Attribute types, 16 bits; those below 0x8000 must be understood by the receiver (RFC 8489 §14, §18.3). */
export const ATTRIBUTE = {
  // RFC 8489
  MAPPED_ADDRESS: 0x0001,
  USERNAME: 0x0006,
  MESSAGE_INTEGRITY: 0x0008,
  ERROR_CODE: 0x0009,
  UNKNOWN_ATTRIBUTES: 0x000a,
  REALM: 0x0014,
  NONCE: 0x0015,
  MESSAGE_INTEGRITY_SHA256: 0x001c,
  PASSWORD_ALGORITHM: 0x001d,
  USERHASH: 0x001e,
  XOR_MAPPED_ADDRESS: 0x0020,
  PASSWORD_ALGORITHMS: 0x8002,
  ALTERNATE_DOMAIN: 0x8003,
  SOFTWARE: 0x8022,
  ALTERNATE_SERVER: 0x8023,
  FINGERPRINT: 0x8028,
  // RFC 8656
  CHANNEL_NUMBER: 0x000c,
  LIFETIME: 0x000d,
  XOR_PEER_ADDRESS: 0x0012,
  DATA: 0x0013,
  XOR_RELAYED_ADDRESS: 0x0016,
  REQUESTED_ADDRESS_FAMILY: 0x0017,
  EVEN_PORT: 0x0018,
  REQUESTED_TRANSPORT: 0x0019,
  DONT_FRAGMENT: 0x001a,
  RESERVATION_TOKEN: 0x0022,
  ADDITIONAL_ADDRESS_FAMILY: 0x8000,
  ADDRESS_ERROR_CODE: 0x8001,
  ICMP: 0x8004,
  // RFC 6062
  CONNECTION_ID: 0x002a,
  // RFC 7635
  ACCESS_TOKEN: 0x001b,
  THIRD_PARTY_AUTHORIZATION: 0x802e,
  // RFC 8016
  MOBILITY_TICKET: 0x8030,
  // RFC 8445
  PRIORITY: 0x0024,
  USE_CANDIDATE: 0x0025,
  ICE_CONTROLLED: 0x8029,
  ICE_CONTROLLING: 0x802a,
  // RFC 5780
  CHANGE_REQUEST: 0x0003,
  PADDING: 0x0026,
  RESPONSE_PORT: 0x0027,
  CACHE_TIMEOUT: 0x8027,
  RESPONSE_ORIGIN: 0x802b,
  OTHER_ADDRESS: 0x802c,
} as const;

/** Default reason phrase of each error code (RFC 8489 §14.8, RFC 8656 §19, RFC 6062 §6.3, RFC 8016, RFC 8445). */
export const ERROR_REASON: Readonly<Record<number, string>> = {
  300: 'Try Alternate',
  400: 'Bad Request',
  401: 'Unauthenticated',
  403: 'Forbidden',
  405: 'Mobility Forbidden',
  420: 'Unknown Attribute',
  437: 'Allocation Mismatch',
  438: 'Stale Nonce',
  440: 'Address Family not Supported',
  441: 'Wrong Credentials',
  442: 'Unsupported Transport Protocol',
  443: 'Peer Address Family Mismatch',
  446: 'Connection Already Exists',
  447: 'Connection Timeout or Failure',
  486: 'Allocation Quota Reached',
  487: 'Role Conflict',
  500: 'Server Error',
  508: 'Insufficient Capacity',
};

/** Name of a way to derive a long-term key from a password (RFC 8489 §18.5). */
export type PasswordAlgorithm = 'MD5' | 'SHA-256';

/** Numbers of the password algorithms (RFC 8489 §18.5.1). */
export const PASSWORD_ALGORITHM = { MD5: 0x0001, 'SHA-256': 0x0002 } as const satisfies Record<
  PasswordAlgorithm,
  number
>;
