import type { FastifyReply } from 'fastify';

/** What every answer forbids browsers and caches: storing, sniffing, framing, and loading anything. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Adds the security headers to an answer. */
export function setSecurityHeaders(reply: FastifyReply): void {
  void reply.headers({ ...SECURITY_HEADERS });
}
