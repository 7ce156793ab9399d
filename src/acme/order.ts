import { setTimeout as sleep } from 'node:timers/promises';
import type { Authorization, Client, Order } from 'acme-client';
import type { AcmeConfig } from '../config/gateway-config.ts';
import type { PemPair } from '../tls/tls-settings.ts';
import type { AcmeLibrary } from './acme-library.ts';
import type { ServeAnswers } from './challenge-answer.ts';
import { generateKeyPem } from './key.ts';

/** What an order is placed with. */
export interface OrderOptions {
  readonly library: AcmeLibrary;
  /** PEM. */
  readonly accountKey: string;
  readonly config: Pick<AcmeConfig, 'directory' | 'domains' | 'email' | 'challenge'>;
  readonly serveAnswers: ServeAnswers;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/**
 * Orders a certificate (RFC 8555 §7.4), with a new key.
 *
 * @returns PEM of the certificate with its chain, and of its key.
 * @throws Error that says what the directory refused, or why it could not be asked.
 */
export async function orderCertificate(options: OrderOptions): Promise<PemPair> {
  const { library, accountKey, config, signal } = options;
  const client = new library.Client({ directoryUrl: config.directory, accountKey });
  await client.createAccount({
    termsOfServiceAgreed: true,
    ...(config.email !== undefined && { contact: [`mailto:${config.email}`] }),
  });
  const order = await client.createOrder({
    identifiers: config.domains.map((value) => ({ type: 'dns', value })),
  });
  await authorize(client, order, options);
  await orderAfter(client, order, 'pending', signal);
  const keyPem = await generateKeyPem();
  await client.finalizeOrder(order, await certificateRequest(library, config.domains, keyPem));
  const finished = await orderAfter(client, order, 'processing', signal);
  const certificatePem = await client.getCertificate(finished);
  return { certificatePem: `${certificatePem.trim()}\n`, keyPem };
}

/** Proves the domains that the directory wants a proof of. */
async function authorize(
  client: Client,
  order: Order,
  { config, serveAnswers, signal }: OrderOptions,
): Promise<void> {
  const authorizations = await client.getAuthorizations(order);
  const pending = authorizations.filter(({ status }) => status === 'pending');
  if (pending.length === 0) return;
  const proofs = pending.map((authorization) => ({
    domain: authorization.identifier.value,
    challenge: challengeOf(authorization, config.challenge),
  }));
  const answers = await Promise.all(
    proofs.map(async ({ domain, challenge }) => ({
      domain,
      token: challenge.token,
      keyAuthorization: await client.getChallengeKeyAuthorization(challenge),
    })),
  );
  const stopServing = await serveAnswers(answers);
  try {
    for (const { challenge } of proofs) await client.completeChallenge(challenge);
    await authorizationsSettled(client, order, signal);
  } finally {
    await stopServing();
  }
}

type Challenge = Authorization['challenges'][number];

function challengeOf(authorization: Authorization, type: AcmeConfig['challenge']): Challenge {
  const { challenges, identifier } = authorization;
  const found = challenges.find((challenge) => challenge.type === type);
  if (found !== undefined) return found;
  const offered = challenges.map((challenge) => challenge.type).join(', ');
  throw new Error(`the directory does not offer ${type} for ${identifier.value}, only ${offered}`);
}

async function authorizationsSettled(
  client: Client,
  order: Order,
  signal: AbortSignal,
): Promise<void> {
  await poll(signal, async () => {
    const authorizations = await client.getAuthorizations(order);
    for (const { status, identifier, challenges } of authorizations) {
      if (status === 'valid' || status === 'pending') continue;
      const why = challenges.map(({ error }) => problemText(error)).find((text) => text !== '');
      throw new Error(`the directory finds ${identifier.value} ${status}: ${why ?? 'no reason'}`);
    }
    return authorizations.every(({ status }) => status === 'valid') || undefined;
  });
}

/** The order once it has left a state. */
async function orderAfter(
  client: Client,
  order: Order,
  state: Order['status'],
  signal: AbortSignal,
): Promise<Order> {
  return poll(signal, async () => {
    const current = await client.getOrder(order);
    if (current.status === 'invalid') {
      throw new Error(`the directory refused the order: ${problemText(current.error)}`);
    }
    return current.status === state ? undefined : current;
  });
}

const POLL_MS_MIN = 250;
const POLL_MS_MAX = 10_000;

async function poll<Result>(
  signal: AbortSignal,
  ask: () => Promise<Result | undefined>,
): Promise<Result> {
  for (let wait = POLL_MS_MIN; ; wait = Math.min(wait * 2, POLL_MS_MAX)) {
    const result = await ask();
    if (result !== undefined) return result;
    await sleep(wait, undefined, { signal });
  }
}

/** RFC 8555 §6.7: what a problem document says. */
function problemText(problem: object | undefined): string {
  if (problem === undefined) return '';
  const { type = '', detail = '' } = problem as { type?: string; detail?: string };
  return `${detail} (${type.replace('urn:ietf:params:acme:error:', '')})`;
}

/** RFC 5280: longest common name, characters. */
const COMMON_NAME_LENGTH_MAX = 64;

async function certificateRequest(
  { crypto }: AcmeLibrary,
  domains: readonly string[],
  keyPem: string,
): Promise<Buffer> {
  const [first = ''] = domains;
  const commonName = first.length <= COMMON_NAME_LENGTH_MAX ? { commonName: first } : {};
  const [, request] = await crypto.createCsr({ ...commonName, altNames: [...domains] }, keyPem);
  return request;
}
