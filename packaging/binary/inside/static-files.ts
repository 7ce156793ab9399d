import { extname, join } from 'node:path/posix';
import { getAsset } from 'node:sea';
import type { FastifyPluginCallback, FastifyReply } from 'fastify';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.json', 'application/json; charset=utf-8'],
  ['.png', 'image/png'],
  ['.svg', 'image/svg+xml'],
]);
const HIDDEN = { schema: { hide: true } };
/** Fastify knows by it that a plugin is for the one who registers it. */
const NOT_ENCAPSULATED = Symbol.for('skip-override');

/** The options of `@fastify/static` that are in use. */
interface StaticOptions {
  /** A folder below the one that `bundle.mjs` pretends the program to be in. */
  readonly root: string;
  readonly prefix?: string;
  readonly serve?: boolean;
  readonly decorateReply?: boolean;
}

/** In the place of `@fastify/static`: serves the files of a folder that the executable carries. */
const staticFiles: FastifyPluginCallback<StaticOptions> = (app, options, done) => {
  const { root, prefix = '/', serve = true, decorateReply = true } = options;
  const names = filesIn(root);
  if (names.size === 0) return done(new Error(`the executable has no files of ${root}`));
  const send = (reply: FastifyReply, name: string): FastifyReply => {
    if (names.has(name)) return sendAsset(reply, join(root, name));
    reply.callNotFound();
    return reply;
  };
  if (decorateReply) {
    app.decorateReply('sendFile', function (this: FastifyReply, name: string) {
      return send(this, name);
    });
  }
  if (serve) {
    app.get<{ Params: { '*': string } }>(join(prefix, '*'), HIDDEN, (request, reply) =>
      send(reply, request.params['*']),
    );
  }
  done();
};

export default Object.assign(staticFiles, { [NOT_ENCAPSULATED]: true });

/** Their names from the folder on. */
function filesIn(root: string): Set<string> {
  const folder = join(root, '/');
  const files = JSON.parse(getAsset('files.json', 'utf8')) as string[];
  return new Set(
    files.filter((file) => file.startsWith(folder)).map((file) => file.slice(folder.length)),
  );
}

function sendAsset(reply: FastifyReply, file: string): FastifyReply {
  return reply
    .type(TYPES.get(extname(file)) ?? 'application/octet-stream')
    .header('cache-control', 'public, max-age=0')
    .send(Buffer.from(getAsset(file)));
}
