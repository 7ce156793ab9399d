import { ACME_CHECK_SECONDS, ACME_RETRY_SECONDS_MAX, ACME_RETRY_SECONDS_MIN } from '../limits.ts';
import type { IssuedCertificate } from './issued-certificate.ts';

/**
 * When a certificate is to be renewed, in unix milliseconds.
 *
 * @param renewBeforeSeconds - how long before its end; at most half of its whole life, because a directory that issues
 *   for shorter than that would be asked all the time.
 */
export function renewalTime(
  { validFrom, validTo }: Pick<IssuedCertificate, 'validFrom' | 'validTo'>,
  renewBeforeSeconds: number,
): number {
  return validTo - Math.min(renewBeforeSeconds * 1000, (validTo - validFrom) / 2);
}

/**
 * How long to wait until the certificate is looked at again, in milliseconds: until its renewal, an hour at most.
 *
 * @param random - from 0 to 1.
 */
export function checkDelay(renewal: number, now: number, random: number): number {
  const soonest = ACME_RETRY_SECONDS_MIN * 1000;
  const latest = ACME_CHECK_SECONDS * 1000;
  return withJitter(Math.min(Math.max(renewal - now, soonest), latest), random);
}

/**
 * How long to wait after an order that failed, in milliseconds.
 *
 * @param failures - how many have failed in a row; at least 1.
 * @param random - from 0 to 1.
 */
export function retryDelay(failures: number, random: number): number {
  const seconds = Math.min(ACME_RETRY_SECONDS_MIN * 2 ** (failures - 1), ACME_RETRY_SECONDS_MAX);
  return withJitter(seconds * 1000, random);
}

/** Up to a tenth more, so that gateways that started together do not ask together. */
function withJitter(milliseconds: number, random: number): number {
  return Math.round(milliseconds * (1 + random / 10));
}
