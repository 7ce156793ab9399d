import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Beside this file as sources, and beside what it becomes once it is built. */
const FOLDER = fileURLToPath(new URL('./pages/', import.meta.url));

const PAGE_BY_PATH = { '/': 'index.html', '/test': 'test.html' } as const;

/** What the pages may do: nothing but their own scripts and styles, and requests to where they come from. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Text of clients can become markup nowhere, not even by a slip.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const;

/** One page is some twenty files, each a request of its own. */
const OPTIONS = {
  schema: { hide: true },
  config: { rateLimit: { max: 500, timeWindow: 1000 } },
} as const;

/** Serves the console at `/` and its test page at `/test`; they need no token because they tell nothing themselves. */
export async function registerConsole(app: FastifyInstance): Promise<void> {
  await app.register(fastifyStatic, { root: FOLDER, serve: false, index: false });
  app.addHook('onSend', async (_request, reply) => void reply.headers(HEADERS));
  for (const [path, file] of Object.entries(PAGE_BY_PATH)) {
    app.get(path, OPTIONS, (_request, reply) => reply.sendFile(file));
  }
  app.get<{ Params: { '*': string } }>('/console/*', OPTIONS, (request, reply) =>
    reply.sendFile(request.params['*']),
  );
}
