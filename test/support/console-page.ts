import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, ElementHandle, Page } from 'puppeteer-core';
import { within } from './child-process.ts';
import { MAIN } from './gateway-process.ts';
import { poll } from './poll.ts';

/** Says why the console cannot be tried, for the `skip` option of a test; false when it is built. */
export function missingConsole(): string | false {
  const page = join(dirname(MAIN), 'http/console/pages/console.js');
  return !existsSync(page) && 'the console is not built: run npm run build';
}

/** A page of the console in a real browser, with what it did besides being looked at. */
export class ConsolePage {
  readonly page: Page;
  /** Addresses of requests to other hosts than the gateway. */
  readonly foreignRequests: string[] = [];
  /** What was written to the console of the browser, violations of the content security policy among it. */
  readonly complaints: string[] = [];
  readonly #origin: string;

  private constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
  }

  /** Opens a page in a browser, in a tab of its own whose requests are intercepted. */
  static async open(browser: Browser, origin: string, path = '/'): Promise<ConsolePage> {
    const page = await browser.newPage();
    const opened = new ConsolePage(page, origin);
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      const isForeign = new URL(request.url()).origin !== origin;
      if (isForeign) opened.foreignRequests.push(request.url());
      void (isForeign ? request.abort() : request.continue());
    });
    page.on('console', (message) => {
      if (['error', 'warn'].includes(message.type())) opened.complaints.push(message.text());
    });
    page.on('pageerror', (error) => opened.complaints.push(String(error)));
    await opened.go(path);
    return opened;
  }

  /** Goes to a page of the console. */
  async go(path: string): Promise<void> {
    await this.page.goto(this.#origin + path, { waitUntil: 'load' });
  }

  /**
   * Waits until somebody can see an element of this text; resolves with its whole text.
   *
   * The waiting of puppeteer compiles text to functions inside the page, which its security policy forbids.
   */
  async see(selector: string, text: RegExp, millisecondsMax?: number): Promise<string> {
    const isSeen = (shown: string[]): boolean => shown.some((each) => text.test(each));
    const seen = poll(() => this.#shownTexts(selector), isSeen);
    const late = (): string => `${selector} ${String(text)} was not seen in time`;
    const shown = await (millisecondsMax === undefined
      ? seen
      : within(millisecondsMax, seen, late));
    return shown.find((each) => text.test(each)) ?? '';
  }

  /** Waits until nobody can see an element any more. */
  async vanish(selector: string): Promise<void> {
    await poll(
      () => this.#shownTexts(selector),
      (shown) => shown.length === 0,
    );
  }

  /** Presses Tab so often; returns the first line of what has the focus each time. */
  async tabbed(times: number): Promise<string[]> {
    const visited: string[] = [];
    for (let step = 0; step < times; step++) {
      await this.page.keyboard.press('Tab');
      const text = String(await this.page.evaluate('document.activeElement.innerText'));
      visited.push(text.trim().split('\n')[0] ?? '');
    }
    return visited;
  }

  async #shownTexts(selector: string): Promise<string[]> {
    const texts = `[...document.querySelectorAll(${JSON.stringify(selector)})]
      .filter((each) => each.checkVisibility()).map((each) => each.innerText.trim())`;
    try {
      return (await this.page.evaluate(texts)) as string[];
    } catch (error) {
      // The page is left for the next one.
      if (String(error).includes('Execution context was destroyed')) return [];
      throw error;
    }
  }

  /** Text of an element, hidden or not. */
  async textOf(selector: string): Promise<string> {
    return this.page.$eval(selector, ({ textContent }) => textContent ?? '');
  }

  /** Types into the field of this label, in place of what is there. */
  async type(label: string, text: string): Promise<void> {
    const field = await this.#find(['textbox', 'searchbox'], label);
    await field.click({ count: 3 });
    await field.type(text);
  }

  /** Clicks on what has this role and name for who uses a screen reader. */
  async click(role: 'button' | 'link', name: string): Promise<void> {
    await (await this.#find([role], name)).click();
  }

  /** Waits until something of one of these roles has this name in the accessibility tree and can be seen. */
  async #find(roles: readonly string[], name: string): Promise<ElementHandle> {
    const find = async (): Promise<ElementHandle | undefined> => {
      for (const role of roles) {
        const found = await this.page.$(`aria/${name}[role="${role}"]`);
        if (await found?.isVisible()) return found ?? undefined;
      }
      return undefined;
    };
    const found = await poll(find, (handle) => handle !== undefined);
    if (found === undefined) throw new Error(`the page has no ${roles.join(' or ')} ${name}`);
    return found;
  }
}
