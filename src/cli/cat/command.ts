import type { Readable, Writable } from 'node:stream';
import { parseTurnUri, type TurnTarget } from '../../client/turn-uri.ts';
import { errorText, GatewayError } from '../../errors.ts';
import { readAuthorities } from '../authorities.ts';
import { success, type CommandResult } from '../terminal/output.ts';
import { credentialOf, resolveUdpPeer } from '../turn-target.ts';
import { parseLocal, type CatLocal } from './endpoints.ts';
import type { CatPlan } from './flow.ts';
import { serveConnections, serveDatagrams, type CatReporter } from './servers.ts';
import { carryStream } from './streams.ts';

/** Arguments and options of `turnpike cat`. */
export interface CatOptions {
  /** `-`, `udp://ip:port`, `tcp://ip:port` or `unix:///path`. */
  readonly local: string;
  /** TURN URI with a login. */
  readonly uri: string;
  /** `udp://host:port`. */
  readonly peer: string;
  /** Takes every certificate. */
  readonly insecure?: boolean | undefined;
  /** PEM file of the authorities to trust. */
  readonly ca?: string | undefined;
  /** Server name for TLS in place of the URI's host. */
  readonly sni?: string | undefined;
  /** User id of a credential that is made from a shared secret. */
  readonly user?: string | undefined;
}

/** What `cat` reads, writes and obeys. */
export interface CatStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Ends it in good order. */
  readonly stop: AbortSignal;
}

/**
 * `cat`: carries standard input, UDP or connections through a gateway to a peer, until the input ends or `stop`.
 *
 * @returns exit code 1 when the way to the peer could not be opened or broke; for a local end that serves several
 *   flows, when none of them worked.
 * @throws GatewayError GW_ERR_USAGE, GW_ERR_LISTEN.
 */
export async function catCommand(options: CatOptions, streams: CatStreams): Promise<CommandResult> {
  const local = parseLocal(options.local);
  const way = planOf(options);
  try {
    const plan = { ...way, peer: await resolveUdpPeer(options.peer) };
    if (local.kind !== 'stdin') return await serve(plan, local, streams);
    const { stdin: input, stdout: output, stop } = streams;
    await carryStream(plan, { input, output, stop });
    return success('');
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    return { exitCode: 1, stdout: '', stderr: `${failureText(error)}\n` };
  }
}

async function serve(
  plan: CatPlan,
  local: Exclude<CatLocal, { kind: 'stdin' }>,
  { stderr, stop }: CatStreams,
): Promise<CommandResult> {
  let opened = 0;
  let failed = 0;
  const reporter: CatReporter = {
    onListening: (where) => stderr.write(`listening on ${where}\n`),
    onFlowOpened: () => opened++,
    onFlowFailed: (from, reason) => {
      failed++;
      stderr.write(`${from}: ${failureText(reason)}\n`);
    },
  };
  if (local.kind === 'udp') await serveDatagrams(plan, local.address, stop, reporter);
  else await serveConnections(plan, listenOptions(local), stop, reporter);
  return { exitCode: failed > 0 && failed >= opened ? 1 : 0, stdout: '', stderr: '' };
}

function planOf({ uri, ...options }: CatOptions): Omit<CatPlan, 'peer'> {
  const target = parseTurnUri(uri);
  const { transport, host, port, login } = target;
  if (transport === 'dtls') throw usage('cat does not speak DTLS; use transport udp, tcp or tls');
  if (target.isStunOnly) throw usage('cat needs a turn: URI; a STUN server relays nothing');
  const ca = options.ca === undefined ? undefined : readAuthorities(options.ca);
  return {
    host,
    port,
    transport,
    tls: transport === 'tls' ? trustOf(target, { ...options, ca }) : undefined,
    credential: () => credentialOf(login, options.user ?? ''),
  };
}

function trustOf(
  { host }: TurnTarget,
  { ca, sni, insecure }: Pick<CatOptions, 'ca' | 'sni' | 'insecure'>,
) {
  return { ca, serverName: sni ?? host, isInsecure: insecure ?? false };
}

function listenOptions(local: Exclude<CatLocal, { kind: 'stdin' }>) {
  if (local.kind === 'unix') return { path: local.path };
  return { host: local.address.ip(), port: local.address.port };
}

function failureText(error: unknown): string {
  return `${errorText(error)}; turnpike doctor says more`;
}

function usage(detail: string): GatewayError {
  return new GatewayError('GW_ERR_USAGE', detail);
}
