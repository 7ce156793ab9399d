/** What TURN and STUN over TLS are called in ALPN, preferred first (RFC 7443 §4). */
export const ALPN_PROTOCOLS: readonly string[] = ['stun.turn', 'stun.nat-discovery'];
