import { readFileSync } from 'node:fs';
import type { Environment } from '../../config/environment.ts';
import { MASK } from '../../config/redact-values.ts';
import { GatewayError } from '../../errors.ts';
import { loadForCommand } from '../configuration.ts';
import type { Inspection } from '../inspect-commands.ts';
import { success, type CommandResult } from '../terminal/output.ts';
import { BROWSER, COTURN, REST } from './client-snippets.ts';
import { BIGBLUEBUTTON, JITSI, NEXTCLOUD, SYNAPSE } from './conference-snippets.ts';
import { KUBERNETES } from './kubernetes-snippet.ts';
import { GALENE, JANUS, LIVEKIT, MEDIAMTX } from './media-server-snippets.ts';
import { contextRemarks, snippetContext } from './snippet-context.ts';
import type { Snippet } from './snippet.ts';

/** Every application by the name on the command line. */
export const SNIPPETS: Readonly<Record<string, Snippet>> = {
  nextcloud: NEXTCLOUD,
  jitsi: JITSI,
  synapse: SYNAPSE,
  bigbluebutton: BIGBLUEBUTTON,
  livekit: LIVEKIT,
  galene: GALENE,
  janus: JANUS,
  mediamtx: MEDIAMTX,
  kubernetes: KUBERNETES,
  browser: BROWSER,
  rest: REST,
  coturn: COTURN,
};

/** Options of `snippet`. */
export interface SnippetOptions {
  /** Configuration file. */
  readonly file: string;
  readonly showsSecrets: boolean;
  readonly environment: Environment;
}

/**
 * `snippet`: ready configuration for an application that uses the gateway; secrets are masked unless asked for.
 *
 * @throws GatewayError GW_ERR_USAGE when the application is unknown, GW_ERR_UNSUPPORTED when it cannot use the gateway,
 *   and those of `loadForCommand`.
 */
export function snippetCommand(
  application: string,
  { file, showsSecrets, environment }: SnippetOptions,
  iceGateway: Inspection['iceGateway'],
): CommandResult {
  const snippet = snippetOf(application);
  const { config } = loadForCommand({ file }, environment);
  const { listeners } = iceGateway(config);
  const context = snippetContext(config, readFileSync(file, 'utf8'), listeners, showsSecrets);
  const text = snippet.render(context);
  const remarks = [
    ...contextRemarks(context),
    ...(snippet.remarks?.(context) ?? []),
    ...(text.includes(MASK) ? ['secrets are masked; --show-secret prints them'] : []),
  ];
  const head = snippet.comment === undefined ? '' : `${snippet.comment} ${snippet.place}\n`;
  const place = snippet.comment === undefined ? [snippet.place] : [];
  const stderr = [...place, ...remarks].map((remark) => `${remark}\n`).join('');
  return success(`${head}${text}`, stderr);
}

function snippetOf(application: string): Snippet {
  const snippet = Object.hasOwn(SNIPPETS, application) ? SNIPPETS[application] : undefined;
  if (snippet !== undefined) return snippet;
  const detail = `no snippet for "${application}"; there are: ${Object.keys(SNIPPETS).join(', ')}`;
  throw new GatewayError('GW_ERR_USAGE', detail);
}
