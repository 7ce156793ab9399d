import type { GatewayStatus, RouteAnswer } from '../../admin/gateway-control.ts';
import { messageOf, type Api } from './api.ts';
import { byId, element, setText, setToned } from './dom.ts';
import { KeyedTable } from './keyed-table.ts';
import { routeVerdict } from './words.ts';

/** The route table, and whether one peer would be relayed. */
export class Routes {
  readonly #api: Api;
  readonly #clusters = new KeyedTable(
    byId('clusters', HTMLTableElement),
    'The configuration has no clusters, so nobody can be reached.',
  );
  readonly #listener = byId('route-listener', HTMLSelectElement);
  readonly #peer = byId('route-peer', HTMLInputElement);

  constructor(api: Api) {
    this.#api = api;
    byId('route-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#check();
    });
  }

  /** Shows clusters, and which listeners route to them. */
  showStatus({ listeners, clusters }: GatewayStatus): void {
    this.#clusters.show(
      clusters.map(({ name, type, protocol, endpoints }) => {
        const users = listeners.filter(({ routes }) => routes.includes(name));
        const from = users.map((listener) => listener.name).join(', ');
        return {
          key: name,
          cells: [
            name,
            type,
            protocol.toUpperCase(),
            endpoints.join(', '),
            from === '' ? ({ text: 'no listener', tone: 'warning' } as const) : from,
          ],
        };
      }),
    );
    this.#offer(listeners.map(({ name }) => name));
  }

  #offer(names: readonly string[]): void {
    const options = [...this.#listener.options].map(({ value }) => value);
    if (options.join('\n') === names.join('\n')) return;
    const chosen = this.#listener.value;
    this.#listener.replaceChildren(...names.map((name) => element('option', {}, name)));
    if (names.includes(chosen)) this.#listener.value = chosen;
  }

  async #check(): Promise<void> {
    const answer = byId('route-answer', HTMLElement);
    const advice = byId('route-advice', HTMLElement);
    const query = new URLSearchParams({
      listener: this.#listener.value,
      peer: this.#peer.value.trim(),
    });
    try {
      const verdict = routeVerdict(await this.#api.get<RouteAnswer>(`routes?${query.toString()}`));
      setToned(answer, verdict.text, verdict.isAdmitted ? 'good' : 'bad');
      setText(advice, verdict.advice);
      this.#peer.removeAttribute('aria-invalid');
    } catch (error) {
      setToned(answer, `Cannot say: ${messageOf(error)}.`, 'warning');
      setText(advice, '');
      this.#peer.setAttribute('aria-invalid', 'true');
    }
  }
}
