import { Api, ApiError, messageOf } from './api.ts';
import { byId, setText } from './dom.ts';

/**
 * Shows the page once the gateway takes the token, or needs none; asks for it until then.
 *
 * A token that is refused later brings the page back to where it asks.
 */
export async function signIn(): Promise<Api> {
  const api = new Api();
  while (!(await isAdmitted(api))) await askForToken(api);
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

async function isAdmitted(api: Api): Promise<boolean> {
  try {
    await api.get('status');
    return true;
  } catch (error) {
    const isRefused = error instanceof ApiError && error.status === 401;
    // Nobody has been asked for it yet.
    showProblem(isRefused && api.token === '' ? '' : problemOf(error));
    api.token = '';
    return false;
  }
}

function problemOf(error: unknown): string {
  if (!(error instanceof ApiError)) return messageOf(error);
  switch (error.status) {
    case 401:
      return 'This is not the token of the gateway.';
    case 429:
      return 'Too many wrong tokens came from here. Wait ten seconds, then try again.';
    default:
      return `${error.message[0]?.toUpperCase()}${error.message.slice(1)}.`;
  }
}

/** Resolves once a token was typed in. */
function askForToken(api: Api): Promise<void> {
  byId('sign-in', HTMLElement).hidden = false;
  const input = byId('token', HTMLInputElement);
  input.focus();
  input.select();
  return new Promise((resolve) => {
    byId('sign-in-form', HTMLFormElement).addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        api.token = input.value.trim();
        resolve();
      },
      { once: true },
    );
  });
}

function showProblem(text: string): void {
  setText(byId('sign-in-problem', HTMLElement), text);
  byId('token', HTMLInputElement).setAttribute('aria-invalid', String(text !== ''));
}
