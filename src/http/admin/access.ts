import { TLSSocket } from 'node:tls';
import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { ClientAuth } from '../../config/gateway-config.ts';
import type { HttpError } from '../shared/http-error.ts';
import { hasLoopbackHost, isCrossSite, isFromLoopback } from '../shared/request-origin.ts';
import { bearerToken, SecretDigests } from '../shared/secret-digests.ts';
import { apiError } from './errors.ts';
import { FailureLimiter, type FailureLimits } from './failure-limiter.ts';
import { RefusalReporter, type RefusalReason, type RefusalRecord } from './refusals.ts';

/** Who has been admitted. */
export interface Actor {
  readonly kind: 'token' | 'certificate' | 'loopback';
  /** `api_token`, the subject of the certificate, or the address. */
  readonly name: string;
}

/** Who is admitted, and who is told of those who are not. */
export interface AccessOptions {
  /** Bearer token; undefined: none is needed on loopback. */
  readonly token?: string | undefined;
  /** With `require` a verified client certificate admits as well. */
  readonly clientAuth?: ClientAuth | undefined;
  /** Called for each request that is not admitted, to be counted. */
  readonly countRefusal?: ((reason: RefusalReason) => void) | undefined;
  /** Called for requests that are not admitted, at most once a second for each reason, to be logged. */
  readonly logRefusal?: ((record: RefusalRecord) => void) | undefined;
  /** Default: 10 failures in 10 s. */
  readonly failureLimits?: FailureLimits | undefined;
}

const FAILURE_LIMITS_DEFAULT: FailureLimits = {
  failuresMax: 10,
  windowMilliseconds: 10_000,
  addressesMax: 10_000,
};

/** Decides who may use the admin API. */
export class Access {
  readonly #options: AccessOptions;
  readonly #digests: SecretDigests | undefined;
  readonly #failures: FailureLimiter;
  readonly #reporter: RefusalReporter;
  readonly #actors = new WeakMap<FastifyRequest, Actor>();

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#digests = options.token === undefined ? undefined : new SecretDigests([options.token]);
    this.#failures = new FailureLimiter(options.failureLimits ?? FAILURE_LIMITS_DEFAULT);
    this.#reporter = new RefusalReporter(options.logRefusal ?? (() => undefined));
  }

  /**
   * Admits a request.
   *
   * @throws HttpError API_ERR_UNAUTHENTICATED, API_ERR_FORBIDDEN or API_ERR_RATE_LIMIT.
   */
  admit(request: FastifyRequest): void {
    const actor = this.#tokenHolder(request) ?? this.#certificateHolder(request);
    // A token is not sent unasked; certificates are, and being on loopback is no proof at all.
    if (actor?.kind !== 'token' && isCrossSite(request)) throw this.#refuse(request, 'cross-site');
    this.#actors.set(request, actor ?? this.#loopbackUser(request));
  }

  /** Who makes a request that was admitted. */
  actorOf(request: FastifyRequest): Actor {
    const actor = this.#actors.get(request);
    if (actor === undefined) throw new TypeError('the request was not admitted');
    return actor;
  }

  #tokenHolder(request: FastifyRequest): Actor | undefined {
    const { authorization } = request.headers;
    if (this.#digests === undefined || authorization === undefined) return undefined;
    // Looked at first: wrong tokens of others at the same address must not lock out who has the right one.
    if (this.#digests.find(bearerToken(authorization)) !== undefined) return TOKEN_HOLDER;
    const address = normalizeIP(request.ip);
    const waitSeconds = this.#failures.waitSeconds(address);
    if (waitSeconds > 0) throw this.#refuse(request, 'throttled', String(waitSeconds));
    this.#failures.fail(address);
    throw this.#refuse(request, 'wrong');
  }

  #certificateHolder({ raw: { socket } }: FastifyRequest): Actor | undefined {
    if (this.#options.clientAuth !== 'require') return undefined;
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
    const subject = socket.getPeerX509Certificate()?.subject ?? '';
    const name = subject.replaceAll('\n', ', ').slice(0, SUBJECT_CHARACTERS_MAX);
    return { kind: 'certificate', name };
  }

  #loopbackUser(request: FastifyRequest): Actor {
    if (this.#digests !== undefined || this.#options.clientAuth === 'require') {
      throw this.#refuse(request, 'missing');
    }
    if (!isFromLoopback(request) || !hasLoopbackHost(request)) throw this.#refuse(request, 'host');
    return { kind: 'loopback', name: request.ip };
  }

  #refuse(request: FastifyRequest, reason: RefusalReason, retryAfter = ''): HttpError {
    this.#options.countRefusal?.(reason);
    this.#reporter.note(reason, request.ip);
    return refusalOf(reason, retryAfter);
  }
}

function refusalOf(reason: RefusalReason, retryAfter: string): HttpError {
  switch (reason) {
    case 'throttled':
      return apiError('API_ERR_RATE_LIMIT', 'too many failed logins', {
        'retry-after': retryAfter,
      });
    case 'host':
      return apiError('API_ERR_FORBIDDEN', HOST_REFUSAL);
    case 'cross-site':
      return apiError('API_ERR_FORBIDDEN', 'requests of other web sites are refused');
    default:
      return apiError('API_ERR_UNAUTHENTICATED', 'a valid bearer token is required', {
        'www-authenticate': 'Bearer realm="turnpike"',
      });
  }
}

const TOKEN_HOLDER: Actor = { kind: 'token', name: 'api_token' };

const HOST_REFUSAL =
  'without admin.api_token the API answers only on this machine, asked as localhost or 127.0.0.1';

const SUBJECT_CHARACTERS_MAX = 256;
