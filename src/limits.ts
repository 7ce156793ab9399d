import assert from 'node:assert';

/** RFC 8656 §3.2: lifetime granted when the client asks for none or for less, seconds. */
export const ALLOCATION_LIFETIME_DEFAULT_SECONDS = 600;
/** RFC 8656 §7.2: longest lifetime granted, seconds. */
export const ALLOCATION_LIFETIME_MAX_SECONDS = 3600;
/** RFC 8656 §9: lifetime of a permission, seconds. */
export const PERMISSION_LIFETIME_SECONDS = 300;
/** RFC 8656 §12: lifetime of a channel binding, seconds. */
export const CHANNEL_LIFETIME_SECONDS = 600;
/** RFC 8656 §7.2: how long a reserved relayed transport address is held, seconds. */
export const RESERVATION_LIFETIME_SECONDS = 30;
/** RFC 8656 §5: longest age of a nonce, seconds. */
export const NONCE_LIFETIME_SECONDS = 3600;

/** Permissions of one allocation, unless the configuration says otherwise; more are answered 508. */
export const PERMISSIONS_PER_ALLOCATION_MAX_DEFAULT = 64;
/** Channel bindings of one allocation, unless the configuration says otherwise; more are answered 508. */
export const CHANNELS_PER_ALLOCATION_MAX_DEFAULT = 256;
/** Reserved ports waiting for their token, over all workers; more are answered 508. */
export const RESERVATIONS_MAX = 1024;
/** Free ports tried for one Allocate before it is answered 508. */
export const RELAY_BIND_ATTEMPTS_MAX = 16;
/** Allocations over all workers, unless the configuration says otherwise. */
export const ALLOCATIONS_MAX_DEFAULT = 100_000;
/** Allocations of one client IP address, unless the configuration says otherwise. */
export const ALLOCATIONS_PER_ADDRESS_MAX_DEFAULT = 200;
/** Allocations that the tables of one process have room for: one for each relay port and family. */
export const ALLOCATIONS_CAPACITY = 131_072;
/** Bytes per second that one allocation may relay each way, unless the configuration says otherwise. */
export const BYTES_PER_SECOND_PER_ALLOCATION_DEFAULT = 6_250_000;
/** The same of an allocation beyond the quota of its user, where there are such: audio passes. */
export const DEGRADED_BYTES_PER_SECOND_DEFAULT = 16_000;
/** Error answers per second to one address that has proven nothing, unless the configuration says otherwise. */
export const UNAUTHENTICATED_PER_SECOND_PER_ADDRESS_DEFAULT = 10;
/** Users whose traffic of the current second is remembered when there are limits for users. */
export const USER_RATE_ENTRIES_MAX = 65_536;
/**
 * Different sets of own addresses and ports, the current one included, that a process keeps from being peers; older
 * ones are forgotten. A set ends with a reload or a change of addresses, while allocations may still live there.
 */
export const OWN_ADDRESS_SETS_MAX = 64;
/** User ids that are revoked at a time. */
export const REVOCATIONS_MAX = 10_000;
/** Listeners, and clusters, with metrics of their own since the start; further ones are counted together. */
export const METRIC_NAMES_MAX = 1024;
/** Sessions in one answer of the admin API. */
export const SESSIONS_PER_PAGE_MAX = 1000;
/** The same when the request names no number. */
export const SESSIONS_PER_PAGE_DEFAULT = 100;
/** Longest answer of the admin API that the command line reads, bytes; a full page of sessions is far shorter. */
export const ADMIN_ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** A worker whose loop has stood still for so long is not alive, seconds. */
export const WORKER_STALL_SECONDS = 5;
/** Local addresses that one wildcard listener keeps apart per worker. */
export const LOCAL_ADDRESSES_PER_LISTENER_MAX = 256;

/** Largest UDP payload over IPv4, bytes. */
export const DATAGRAM_BYTES_MAX = 65_507;
/** Largest STUN message or ChannelData frame accepted on a stream, bytes. */
export const STREAM_FRAME_BYTES_MAX = 65_535 + 4 + 1;
/** Largest frame accepted on a stream from a client without an allocation, bytes. */
export const STRANGER_FRAME_BYTES_MAX = 4096;
/** Largest reply the server writes, bytes. */
export const REPLY_BYTES_MAX = 2048;
/** Attributes read from one STUN message; a message with more is dropped. */
export const ATTRIBUTES_PER_MESSAGE_MAX = 128;
/** Longest USERNAME, REALM and NONCE value accepted, bytes (RFC 8489 §14.3, §14.9, §14.10). */
export const TEXT_ATTRIBUTE_BYTES_MAX = 763;

/**
 * How much further than `auth.max_ttl` in the future an ephemeral credential may expire, seconds: the app server that
 * minted it may have a clock that runs ahead of ours.
 */
export const CREDENTIAL_CLOCK_SKEW_MAX_SECONDS = 3600;

/** How full the queue of a listener is when strangers are answered only who ask again; a share of its bytes. */
export const OVERLOAD_QUEUE_SHARE = 0.5;
/** Requests of strangers that one worker tells apart in that case, twice over; a power of two, a bit each. */
export const HEARD_REQUESTS_BITS = 2 ** 23;
/** A request that is sent again within so long is known then, seconds. */
export const HEARD_REQUESTS_SECONDS = 2;

/** Lengths that a prefix may have under which IPv6 is translated to IPv4, bits (RFC 6052 §2.2). */
export const NAT64_PREFIX_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96];

/** Bytes of answers that a TCP client without an allocation may leave unread before it is disconnected. */
export const STRANGER_UNREAD_BYTES_MAX = 16 * 1024;
/** Relay workers of one process; shared tables note their owner in a byte. */
export const WORKERS_MAX = 254;
/**
 * TCP connections of one client, an IPv4 address or an IPv6 /64, in one worker, by default; as many DTLS associations,
 * counted apart.
 */
export const CONNECTIONS_PER_ADDRESS_MAX_DEFAULT = 256;
/** TCP connections of one worker; fewer when the process may open fewer descriptors. */
export const CONNECTIONS_PER_WORKER_MAX = 50_000;
/** TLS and DTLS handshakes begun per second over all workers, unless the configuration says otherwise. */
export const HANDSHAKES_PER_SECOND_DEFAULT = 2000;
/** The same of one client address in one worker, unless the configuration says otherwise. */
export const HANDSHAKES_PER_SECOND_PER_ADDRESS_DEFAULT = 50;
/** Client addresses whose handshake rate one worker remembers. */
export const HANDSHAKE_RATE_ENTRIES_MAX = 8192;
/** Connections of one worker that are still in their TLS or DTLS handshake. */
export const HANDSHAKES_PENDING_MAX = 2048;
/** A client that has not finished its TLS or DTLS handshake so long after it began is disconnected, seconds. */
export const HANDSHAKE_SECONDS = 5;
/** How long a certificate that is made here is valid, days. */
export const SELF_SIGNED_DAYS = 30;
/** A certificate that lasts less long should be renewed, days. */
export const CERTIFICATE_WARNING_DAYS = 14;
/** Certificate files are read again so often even when no change of them was noticed, seconds. */
export const TLS_CHECK_SECONDS = 60;
/** Keys of TLS session tickets are renewed so often, seconds. */
export const TLS_TICKET_KEYS_SECONDS = 12 * 3600;
/** DTLS associations of one worker. */
export const ASSOCIATIONS_PER_WORKER_MAX = 50_000;
/** Longest PROXY protocol header accepted, bytes; the addresses take at most 232, the rest are TLVs. */
export const PROXY_HEADER_BYTES_MAX = 4096;
/** Bytes waiting for a slow TCP client before relayed data is dropped. */
export const CONNECTION_WRITE_BUFFER_BYTES_MAX = 256 * 1024;
/** A TCP client that has sent no byte for so long is disconnected, seconds. */
export const CONNECTION_FIRST_BYTE_SECONDS = 5;
/** A TCP client that has sent no complete message for so long is disconnected, seconds. */
export const CONNECTION_FIRST_MESSAGE_SECONDS = 10;
/** A TCP client that has no allocation so long after it connected is disconnected, seconds. */
export const CONNECTION_STRANGER_SECONDS = 30;

/** Log records of one kind that a worker sends per second; the rest is counted. */
export const LOG_RECORDS_PER_SECOND_MAX = 50;
/** Bytes of log that wait for a full disk or a reader that does not read; lines beyond are lost and counted. */
export const LOG_WAITING_BYTES_MAX = 1024 * 1024;
/** Log that could not be written is tried again after so long, seconds. */
export const LOG_RETRY_SECONDS = 1;
/** Characters of client-made text in one field of a log record. */
export const LOG_TEXT_CHARACTERS_MAX = 128;
/** Addresses accepted from one answer of a resolver for a STRICT_DNS name. */
export const DNS_ADDRESSES_PER_NAME_MAX = 256;
/** Shortest time between two look-ups of a name, seconds. */
export const DNS_TTL_MIN_SECONDS = 5;
/** Longest time between two look-ups of a name, seconds. */
export const DNS_TTL_MAX_SECONDS = 300;

/** Longest body of a request to the ICE API, bytes. */
export const ICE_BODY_BYTES_MAX = 4096;
/** Longest request target (path and query) of the ICE API, bytes. */
export const ICE_URL_BYTES_MAX = 4096;
/** Longest user id of an issued credential, bytes; leaves room for the timestamp in USERNAME (RFC 8489 §14.3). */
export const ICE_USER_ID_BYTES_MAX = 256;
/** Lifetime of a credential when the request names none, seconds. */
export const ICE_TTL_DEFAULT_SECONDS = 86_400;
/** Requests to the ICE API per second from one client address or API key, unless the configuration says otherwise. */
export const ICE_REQUESTS_PER_SECOND_MAX_DEFAULT = 50;
/** Client addresses and API keys whose request rate is remembered. */
export const ICE_RATE_ENTRIES_MAX = 10_000;
/** Connections that one HTTP server keeps open at a time. */
export const HTTP_CONNECTIONS_MAX = 1024;
/** Longest wait for the headers, and for the whole, of one HTTP request, seconds. */
export const HTTP_REQUEST_SECONDS_MAX = 5;
/** An HTTP connection on which nothing happens is closed after so long, seconds. */
export const HTTP_IDLE_SECONDS_MAX = 30;
/** Longest header section of an HTTP request, bytes. */
export const HTTP_HEADER_BYTES_MAX = 8192;
/** The certificate of the ACME directory is looked at so often, seconds. */
export const ACME_CHECK_SECONDS = 3600;
/** Shortest and longest wait after an ACME order that failed, seconds; it doubles with each failure. */
export const ACME_RETRY_SECONDS_MIN = 60;
export const ACME_RETRY_SECONDS_MAX = 6 * 3600;
/** An ACME order that is not finished after so long has failed, seconds. */
export const ACME_ORDER_SECONDS_MAX = 300;
/** Longest wait for one answer of the ACME directory, seconds. */
export const ACME_REQUEST_SECONDS_MAX = 30;
/** Largest answer of the ACME directory, bytes. */
export const ACME_ANSWER_BYTES_MAX = 1024 * 1024;
/** Connections that the server of HTTP-01 answers keeps open at a time. */
export const ACME_CONNECTIONS_MAX = 64;
/** Time to the first retransmission of a request to a STUN server, milliseconds; it doubles with each. */
export const STUN_RETRANSMIT_MS = 500;
/** Longest wait for one STUN server that is asked for the public address, seconds. */
export const STUN_QUERY_SECONDS_MAX = 4;
/** The public address is checked so often, seconds. */
export const ADDRESS_CHECK_SECONDS = 300;
/** Shortest wait after a check of the public address that failed, seconds; it doubles with each failure. */
export const ADDRESS_RETRY_SECONDS_MIN = 10;
/** Lifetime of a credential for the test page of the console, seconds. */
export const TEST_CREDENTIAL_SECONDS = 300;
/** Longest wait for an answer of the WebRTC echo, seconds; it loads its library for the first one. */
export const ECHO_REQUEST_SECONDS_MAX = 10;
/** Longest session description that the WebRTC echo takes, and that is taken from it, bytes. */
export const ECHO_ANSWER_BYTES_MAX = 64 * 1024;
/** Candidates in an offer to the WebRTC echo. */
export const ECHO_CANDIDATES_MAX = 20;
/** A session of the WebRTC echo whose caller has not connected after so long ends, seconds. */
export const ECHO_CONNECTING_SECONDS_MAX = 10;
/** A session of the WebRTC echo over which nothing has come for so long ends, seconds. */
export const ECHO_SILENCE_SECONDS_MAX = 30;
/** Longest session of the WebRTC echo, seconds. */
export const ECHO_SESSION_SECONDS_MAX = 600;
/** Bytes that may wait in a session of the WebRTC echo for a reader. */
export const ECHO_WAITING_BYTES_MAX = 1024 * 1024;

assert(PERMISSION_LIFETIME_SECONDS < CHANNEL_LIFETIME_SECONDS);
assert(ALLOCATION_LIFETIME_DEFAULT_SECONDS <= ALLOCATION_LIFETIME_MAX_SECONDS);
assert(NONCE_LIFETIME_SECONDS <= 3600);
assert(DATAGRAM_BYTES_MAX < STREAM_FRAME_BYTES_MAX);
