import { byId } from './dom.ts';

const PREFIX = 'section-';

/**
 * Shows one section of the page, the one that the address names after `#`.
 *
 * The ids of the sections begin otherwise, or the browser would scroll the head of the page out of sight.
 */
export class Navigation {
  readonly #sections = [...document.querySelectorAll<HTMLElement>('main > section')];
  readonly #links = [...document.querySelectorAll<HTMLAnchorElement>('nav a[href^="#"]')];
  readonly #onShow: (name: string) => void;

  /** @param onShow - called with the name of each section that comes into sight. */
  constructor(onShow: (name: string) => void) {
    this.#onShow = onShow;
    const main = byId('main', HTMLElement);
    addEventListener('hashchange', () => {
      this.#show();
      // Who reads with a keyboard goes on from the top of what has come up.
      main.focus();
    });
    byId('skip', HTMLAnchorElement).addEventListener('click', (event) => {
      // The address names the section in sight, which stays.
      event.preventDefault();
      main.focus();
    });
    this.#show();
  }

  /** Name of the section in sight. */
  get current(): string {
    const names = this.#sections.map(({ id }) => id.slice(PREFIX.length));
    const wanted = location.hash.slice(1);
    return names.find((name) => name === wanted) ?? names[0] ?? '';
  }

  #show(): void {
    const { current } = this;
    for (const section of this.#sections) section.hidden = section.id !== PREFIX + current;
    for (const link of this.#links) {
      if (link.hash === `#${current}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    this.#onShow(current);
  }
}
