import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import { ClientError, socketFailure } from './client-error.ts';

const DAY_MS = 86_400_000;

/** What a client saw of a server's certificate. */
export interface PeerCertificateReport {
  /** Everything that keeps it from being trusted, for a person; empty when it is trusted. */
  readonly problems: readonly string[];
  /** Common name of the certificate, or all of its subject. */
  readonly subject: string;
  /** Common name of the authority that issued it. */
  readonly issuer: string;
  /** Alternative names as OpenSSL writes them: `DNS:turn.example.org, IP Address:192.0.2.1`. */
  readonly names: string;
  /** Whole days until it expires; negative when it has. */
  readonly daysLeft: number;
  /** Such as `TLSv1.3`. */
  readonly protocol: string;
}

/** Looks at the certificate of a finished handshake: chain, validity and name. */
export function reportCertificate(socket: TLSSocket, serverName: string): PeerCertificateReport {
  const certificate = socket.getPeerCertificate();
  const now = Date.now();
  const expiry = Date.parse(certificate.valid_to);
  const subject = nameOf(certificate.subject);
  const outdated = validityProblems(certificate, now);
  const problems = [
    ...outdated,
    ...chainProblems(socket.authorizationError, nameOf(certificate.issuer), outdated.length > 0),
    ...nameProblems(certificate, serverName),
  ];
  return {
    problems,
    subject,
    issuer: nameOf(certificate.issuer),
    names: certificate.subjectaltname ?? `CN ${subject}`,
    daysLeft: Math.floor((expiry - now) / DAY_MS),
    protocol: socket.getProtocol() ?? '',
  };
}

/** The failure that an error of a TLS connection stands for. */
export function tlsFailure(error: Error, what: string): ClientError {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || !/^(?:ERR_|EPROTO)/.test(code)) return socketFailure(error, what);
  const reason = REASONS.find(([pattern]) => pattern.test(`${code} ${error.message}`))?.[1];
  return new ClientError('tls', `${what}: ${reason ?? code}`, { cause: error });
}

function validityProblems({ valid_from, valid_to }: PeerCertificate, now: number): string[] {
  if (Date.parse(valid_to) < now) return [`the certificate expired on ${valid_to}`];
  if (Date.parse(valid_from) > now) return [`the certificate is not valid before ${valid_from}`];
  return [];
}

/** Node types the reason as an error; it is the code of one. */
function chainProblems(reason: unknown, issuer: string, isOutdated: boolean): string[] {
  if (reason === null || reason === undefined) return [];
  const code = reason instanceof Error ? reason.message : (reason as string);
  if (isOutdated && (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')) return [];
  if (code === 'CERT_HAS_EXPIRED') return ['an authority in its chain has expired'];
  if (UNKNOWN_AUTHORITY.has(code)) {
    return [`the certificate is issued by an unknown authority, "${issuer}"`];
  }
  return [`the certificate is not trusted (${code})`];
}

function nameProblems(certificate: PeerCertificate, serverName: string): string[] {
  if (checkServerIdentity(serverName, certificate) === undefined) return [];
  const names = certificate.subjectaltname ?? `CN ${nameOf(certificate.subject)}`;
  return [`the certificate is of another name: it says ${names}, not ${serverName}`];
}

function nameOf(subject: PeerCertificate['subject'] | undefined): string {
  if (subject === undefined) return '';
  const { CN: commonName = '', O: organisation = '' } = subject as Partial<
    Record<string, string | string[]>
  >;
  return [commonName, organisation].flat().find((name) => name !== '') ?? '';
}

/** Codes that Node.js gives when nobody whom it trusts has issued a certificate. */
export const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /WRONG_VERSION_NUMBER|wrong version number|PACKET_LENGTH_TOO_LONG/,
    'the port does not speak TLS',
  ],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE.*certificate/i,
    'the server asks for a client certificate',
  ],
  [/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, 'no protocol version in common'],
  [
    /HANDSHAKE_FAILURE|NO_SHARED_CIPHER/,
    'no cipher in common, or the server refuses the handshake',
  ],
  [/UNRECOGNIZED_NAME/, 'the server has no certificate for that name'],
];
