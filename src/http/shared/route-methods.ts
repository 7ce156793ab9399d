import type { FastifyInstance } from 'fastify';

/** Which methods the routes of an app answer, so that a wrong method is told from a wrong path. */
export class RouteMethods {
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  /** Learns every route that is registered afterwards. */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method }) => this.#add(url, [method].flat()));
  }

  /** The methods of a path, sorted; none when there is no such path. */
  of(path: string): string[] {
    const methods = this.#routes
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((route) => route.methods);
    return [...new Set(methods)].toSorted();
  }

  #add(url: string, methods: readonly string[]): void {
    const source = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[^/]+/g, '[^/]+');
    this.#routes.push({ pattern: new RegExp(`^${source}$`), methods });
  }
}
