import { GatewayError } from '../../errors.ts';
import type { SnippetContext } from './snippet-context.ts';

/** Ready configuration for one application. */
export interface Snippet {
  /** Product, for lists. */
  readonly title: string;
  /** Where the text belongs. */
  readonly place: string;
  /** Begins a comment line of the format; undefined: it has none. */
  readonly comment: '#' | '--' | '//' | undefined;
  /** What an operator should look at beside what holds for every application. */
  readonly remarks?: (context: SnippetContext) => readonly string[];
  /** The text; throws GatewayError GW_ERR_UNSUPPORTED when the application cannot use such a gateway. */
  readonly render: (context: SnippetContext) => string;
}

/**
 * The shared secret, for applications that know nothing else.
 *
 * @throws GatewayError GW_ERR_UNSUPPORTED.
 */
export function requiredSecret({ auth }: SnippetContext, application: string): string {
  if (auth.kind === 'secret') return auth.secret;
  const detail = `${application} needs a shared secret: auth.type ephemeral with credentials.secret`;
  throw new GatewayError('GW_ERR_UNSUPPORTED', detail);
}
