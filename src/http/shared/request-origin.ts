import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../../config/addresses.ts';

/** True when the Host header names this machine itself, as no name that a foreign page was loaded from does. */
export function hasLoopbackHost({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const [, bracketed, plain] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(headers.host ?? '') ?? [];
  return isLoopback(bracketed ?? plain ?? '');
}

/** True when the client is a program of this machine. */
export function isFromLoopback({ ip }: Pick<FastifyRequest, 'ip'>): boolean {
  return isLoopback(ip.replace(/^::ffff:(?=\d+\.)/, ''));
}

/** True when a browser says that a page of another origin, or of another port of this host, makes the request. */
export function isCrossSite(request: Pick<FastifyRequest, 'headers' | 'protocol'>): boolean {
  const { origin, host } = request.headers;
  if (
    origin !== undefined &&
    origin.toLowerCase() !== `${request.protocol}://${host}`.toLowerCase()
  ) {
    return true;
  }
  const site = request.headers['sec-fetch-site'];
  return site === 'cross-site' || site === 'same-site';
}
