import type { GatewayStatus } from '../../admin/gateway-control.ts';
import type { Api } from './api.ts';
import { confirmed } from './confirm.ts';
import { byId, setText, setToned } from './dom.ts';
import { reachable } from './reachable.ts';

const QUESTION =
  'Drain the gateway? It takes no new calls and health checks fail; calls under way go on.';

/** Name and state of the gateway in the head of the page, and the button that drains it. */
export class GatewayState {
  readonly #api: Api;
  readonly #button = byId('drain', HTMLButtonElement);
  readonly #onChange: () => Promise<void>;
  #state: GatewayStatus['state'] = 'running';

  /** @param onChange - called after the state was changed here. */
  constructor(api: Api, onChange: () => Promise<void>) {
    this.#api = api;
    this.#onChange = onChange;
    this.#button.addEventListener('click', () => void reachable(() => this.#toggle()));
  }

  /** Shows how the gateway does. */
  show({ name, state, isReady, notReadyReason, isAlive }: GatewayStatus): void {
    this.#state = state;
    const badge = byId('state', HTMLElement);
    setText(byId('gateway-name', HTMLElement), name);
    document.title = `${name} · Turnpike console`;
    if (!isAlive) setToned(badge, 'A relay worker stands still', 'bad');
    else if (state === 'stopping') setToned(badge, 'Stopping', 'bad');
    else if (state === 'draining') setToned(badge, 'Draining, takes no new calls', 'warning');
    else if (!isReady) setToned(badge, `Not ready: ${notReadyReason ?? 'unknown'}`, 'warning');
    else setToned(badge, 'Running', 'good');
    setText(this.#button, state === 'running' ? 'Drain' : 'Undrain');
    this.#button.disabled = state === 'stopping';
  }

  async #toggle(): Promise<void> {
    const action = this.#state === 'running' ? 'drain' : 'undrain';
    if (action === 'drain' && !(await confirmed(QUESTION, 'Drain'))) return;
    await this.#api.post(action);
    await this.#onChange();
  }
}
