import { Api, ApiError, messageOf } from './api.ts';
import { byId, setText } from './dom.ts';
import { pause } from './pause.ts';

const RETRY_MS = 2000;

/**
 * Shows the page once the gateway takes the token, or needs none; asks for it until then.
 *
 * A token that is refused later brings the page back to where it asks.
 */
export async function signIn(): Promise<Api> {
  const api = new Api();
  await admission(api, new TokenForm(api));
  api.onUnauthenticated = () => signOut(api);
  const signOutButton = byId('sign-out', HTMLButtonElement);
  signOutButton.hidden = api.token === '';
  signOutButton.addEventListener('click', () => signOut(api));
  byId('sign-in', HTMLElement).hidden = true;
  byId('app', HTMLElement).hidden = false;
  return api;
}

function signOut(api: Api): void {
  api.token = '';
  location.reload();
}

/** Resolves when the gateway answers. */
async function admission(api: Api, form: TokenForm): Promise<void> {
  for (;;) {
    const { token } = api;
    const refusal = await refusalOf(api);
    if (refusal === undefined) return;
    if (api.token !== token) continue;
    if (isUnknownToken(refusal)) {
      api.token = '';
      // Nobody has been asked for it yet.
      await form.ask(token === '' ? '' : 'This is not the token of the gateway.');
    } else {
      const typed = form.ask(`${sentence(messageOf(refusal))} This page tries again by itself.`);
      await Promise.race([typed, pause(RETRY_MS)]);
    }
  }
}

async function refusalOf(api: Api): Promise<unknown> {
  try {
    await api.get('status');
    return undefined;
  } catch (error) {
    return error;
  }
}

function isUnknownToken(refusal: unknown): boolean {
  return refusal instanceof ApiError && refusal.status === 401;
}

function sentence(message: string): string {
  return `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`;
}

/** Where the page asks for the token. */
class TokenForm {
  readonly #panel = byId('sign-in', HTMLElement);
  readonly #input = byId('token', HTMLInputElement);
  #onToken = (): void => undefined;

  constructor(api: Api) {
    byId('sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      api.token = this.#input.value.trim();
      this.#onToken();
    });
  }

  /** Resolves once a token was typed in. */
  ask(problem: string): Promise<void> {
    setText(byId('sign-in-problem', HTMLElement), problem);
    this.#input.setAttribute('aria-invalid', String(problem !== ''));
    if (this.#panel.hidden) {
      this.#panel.hidden = false;
      this.#input.focus();
    }
    return new Promise((resolve) => (this.#onToken = resolve));
  }
}
