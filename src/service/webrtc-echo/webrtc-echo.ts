import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { EchoAddress, EchoOptions } from '../../config/echo-options.ts';
import { listen } from '../../http/listen.ts';
import { HttpError } from '../../http/shared/http-error.ts';
import { ECHO_CANDIDATES_MAX } from '../../limits.ts';
import { createEchoApp, type EchoSessions } from './echo-app.ts';
import { EchoSession } from './echo-session.ts';
import { isWeriftInstalled, loadWerift } from './werift-library.ts';

/** A WebRTC backend that returns what it receives, for tests; its peers are told of by HTTP (WHIP). */
export class WebRtcEcho implements EchoSessions {
  readonly #address: EchoAddress;
  readonly #app: FastifyInstance;
  readonly #sessions = new Map<string, EchoSession>();

  private constructor({ endpoint, address }: EchoOptions) {
    this.#address = address;
    this.#app = createEchoApp(endpoint.path, this);
  }

  /** Starts to listen; throws GatewayError GW_ERR_ECHO without werift, and GW_ERR_LISTEN. */
  static async start(options: EchoOptions): Promise<WebRtcEcho> {
    // What is missing is told now, what is there is loaded for the first offer.
    if (!isWeriftInstalled()) await loadWerift();
    const echo = new WebRtcEcho(options);
    try {
      await listen(echo.#app, options.endpoint, 'the WebRTC echo');
      return echo;
    } catch (error) {
      await echo.stop();
      throw error;
    }
  }

  async open(offer: string): Promise<{ readonly id: string; readonly answer: string }> {
    if (!/^m=/m.test(offer)) throw noOffer();
    if ((offer.match(/^a=candidate:/gm) ?? []).length > ECHO_CANDIDATES_MAX) {
      // Each of them is sent connectivity checks.
      throw new HttpError('ECHO_ERR_OFFER', 400, 'the offer has too many candidates');
    }
    const werift = await loadWerift();
    // Nothing is waited for between this and the session that counts from here on.
    const { minPort, maxPort } = this.#address;
    if (this.#sessions.size > maxPort - minPort) throw tooMany();
    const id = randomUUID();
    const session = new EchoSession(werift, this.#address, () => this.#sessions.delete(id));
    this.#sessions.set(id, session);
    try {
      const answer = await session.answer(offer);
      if (!answer.includes('a=candidate:')) throw tooMany();
      return { id, answer };
    } catch (error) {
      await session.end();
      if (error instanceof HttpError) throw error;
      throw noOffer();
    }
  }

  async end(id: string): Promise<boolean> {
    const session = this.#sessions.get(id);
    await session?.end();
    return session !== undefined;
  }

  /** Ends all sessions; does not reject. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.end()));
  }

  /** Ends all sessions and listens no more. */
  async stop(): Promise<void> {
    await this.endAll();
    await this.#app.close();
  }
}

function noOffer(): HttpError {
  return new HttpError('ECHO_ERR_OFFER', 400, 'the body is no offer that can be answered');
}

function tooMany(): HttpError {
  return new HttpError('ECHO_ERR_FULL', 503, 'every port is taken', { 'retry-after': '30' });
}
