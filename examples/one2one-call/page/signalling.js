const PATH = '/one2one';
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;

/**
 * The connection to the application server. It comes back by itself when it is lost.
 *
 * Events: `open`, `lost`, and `message` with what the server says as `detail`.
 */
export class Signalling extends EventTarget {
  #socket;
  #retryMs = RETRY_MS_MIN;

  /** Connects, and stays connected. */
  connect() {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}${PATH}`);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#retryMs = RETRY_MS_MIN;
      this.dispatchEvent(new Event('open'));
    });
    socket.addEventListener('message', ({ data }) => {
      this.dispatchEvent(new CustomEvent('message', { detail: JSON.parse(data) }));
    });
    // A connection that could not be made closes as well.
    socket.addEventListener('close', () => {
      this.dispatchEvent(new Event('lost'));
      setTimeout(() => this.connect(), this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
    });
  }

  /** Sends a message, unless there is no connection: what was to be said is void then. */
  send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
