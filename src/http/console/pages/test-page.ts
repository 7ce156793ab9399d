import type { TestAccess } from '../../admin/gateway-control.ts';
import { messageOf } from './api.ts';
import { byId, setText, setToned, type Tone } from './dom.ts';
import { formatNumberOf } from './format.ts';
import { testListener, type Login } from './listener-test.ts';
import { ResultCard } from './result-card.ts';
import { signIn } from './sign-in.ts';

const api = await signIn();
const form = byId('test-form', HTMLFormElement);
const runButton = byId('run', HTMLButtonElement);
const results = byId('results', HTMLElement);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void runOnce();
});
// What the form asks for depends on how the gateway knows its users.
await prepare().catch((error: unknown) => conclude(`Cannot test: ${messageOf(error)}.`, 'bad'));

async function runOnce(): Promise<void> {
  runButton.disabled = true;
  conclude('Testing, which takes a few seconds.', 'neutral');
  try {
    await testAll();
  } catch (error) {
    conclude(`Cannot test: ${messageOf(error)}.`, 'bad');
  }
  runButton.disabled = false;
}

async function testAll(): Promise<void> {
  await prepare();
  if (!form.reportValidity()) return conclude('Type in a user of this gateway.', 'warning');
  // A fresh credential each time; it lives for minutes only.
  const access = await api.post<TestAccess>('test/credential');
  if (access.authentication === 'none') {
    return conclude(
      'This gateway answers STUN only (auth.type: none) and relays nothing.',
      'warning',
    );
  }
  if (access.listeners.length === 0) {
    return conclude('The configuration has no listeners.', 'warning');
  }
  await testListeners(access);
}

async function testListeners(access: TestAccess): Promise<void> {
  const login = loginOf(access);
  const cards = access.listeners.map((listener, index) => new ResultCard(listener, index));
  results.replaceChildren(...cards.map(({ node }) => node));
  await Promise.all(
    access.listeners.map(async (listener, index) => {
      const card = cards[index];
      if (card !== undefined) await testListener({ api, access, listener, login, report: card });
    }),
  );
  summarize(cards);
}

function summarize(cards: readonly ResultCard[]): void {
  const listeners = (outcome: ResultCard['outcome']): string =>
    formatNumberOf(cards.filter((card) => card.outcome === outcome).length, 'listener');
  const has = (outcome: ResultCard['outcome']): boolean =>
    cards.some((card) => card.outcome === outcome);
  const sentences = [
    ...(has('failed') ? [`${listeners('failed')} failed.`] : []),
    ...(has('passed') ? [`${listeners('passed')} passed.`] : []),
    ...(has('skipped') ? [`${listeners('skipped')} could not be tested to the end.`] : []),
  ];
  const tone = has('failed') ? 'bad' : has('skipped') ? 'warning' : 'good';
  conclude(sentences.join(' '), tone);
}

/** Asks for what the test needs of the person in front of the page. */
async function prepare(): Promise<void> {
  const { auth, admin } = await api.get<ShownConfig>('config');
  const login = byId('login', HTMLFieldSetElement);
  login.hidden = auth.type !== 'static';
  // Fields that are not seen must not be asked for.
  login.disabled = login.hidden;
  const { echo_endpoint: echo = '' } = admin;
  const none = 'No echo is configured (admin.echo_endpoint): the test ends at the allocation.';
  setText(byId('echo', HTMLElement), echo === '' ? none : `Echo: ${echo}`);
}

interface ShownConfig {
  readonly auth: { readonly type: TestAccess['authentication'] };
  readonly admin: { readonly echo_endpoint?: string };
}

function loginOf({ credential }: TestAccess): Login {
  if (credential !== undefined) return credential;
  return {
    username: byId('username', HTMLInputElement).value,
    password: byId('password', HTMLInputElement).value,
  };
}

function conclude(text: string, tone: Tone): void {
  setToned(byId('summary', HTMLElement), text, tone);
}
