import type { Page } from 'puppeteer-core';
import { poll } from './poll.ts';

/** What the page of the one-to-one call shows while media flows. */
export interface ShownPath {
  /** How this browser reaches the gateway. */
  readonly way: string;
  readonly relay: string;
  readonly mediaServer: string;
  readonly roundTrip: string;
  readonly sending: string;
  readonly receiving: string;
  readonly picture: string;
}

const PATH_IDS = {
  way: 'local-type',
  relay: 'relay',
  mediaServer: 'remote-type',
  roundTrip: 'round-trip',
  sending: 'sending',
  receiving: 'receiving',
  picture: 'picture',
};

/** The page of the one-to-one call in a browser, used as people use it. */
export class CallPage {
  readonly page: Page;
  /** Requests that left for another host, and what the browser forbade or complained about. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
  }

  /** Opens the page and waits until it is connected to the application server. */
  static async open(page: Page, url: string): Promise<CallPage> {
    const opened = new CallPage(page);
    const complain = (text: string): void => void opened.complaints.push(text);
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      // Browsers draw the controls of their own with pictures and fonts that they carry along.
      if (protocol !== 'data:' && host !== new URL(url).host) complain(request.url());
    });
    page.on('pageerror', (error) => complain(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complain(message.text());
    });
    await page.goto(url);
    await opened.#until(() => opened.text('link'), 'connected');
    return opened;
  }

  /** Registers a name. */
  async register(name: string): Promise<void> {
    await this.page.locator('#name').fill(name);
    await this.page.locator('#register').click();
  }

  /** Calls somebody. */
  async call(name: string, transport = 'any'): Promise<void> {
    await this.choose(transport);
    await this.page.locator('#peer').fill(name);
    await this.page.locator('#call').click();
  }

  /** Chooses how to reach the gateway. */
  async choose(transport: string): Promise<void> {
    await this.page.locator(`input[value=${transport}]`).click();
  }

  /** Presses a button. */
  async press(button: 'accept' | 'decline' | 'hang-up'): Promise<void> {
    await this.page.locator(`#${button}`).click();
  }

  /** Waits until the page says something that begins or is like this. */
  async says(expected: string | RegExp, limitMs?: number): Promise<string> {
    return this.#until(() => this.text('status'), expected, limitMs);
  }

  /** Waits until the page says that so many more frames of the other one were decoded. */
  async decodeFrames(count: number): Promise<void> {
    const before = await this.frames();
    await poll(
      () => this.frames(),
      (frames) => frames >= before + count,
    );
  }

  /** How many frames of the other one the page says that were decoded. */
  async frames(): Promise<number> {
    return Number(await this.text('frames')) || 0;
  }

  /** What the page shows of the way of the media, once it knows the bitrate. */
  async path(): Promise<ShownPath> {
    await this.#until(() => this.text('receiving'), /^[1-9]/);
    return this.shown();
  }

  /** What the page shows of the way of the media now. */
  async shown(): Promise<ShownPath> {
    const entries = Object.entries(PATH_IDS).map(async ([name, id]) => [name, await this.text(id)]);
    return Object.fromEntries(await Promise.all(entries)) as ShownPath;
  }

  /** Text of an element. */
  async text(id: string): Promise<string> {
    return (await this.page.evaluate(`document.getElementById('${id}').textContent`)) as string;
  }

  #until(ask: () => Promise<string>, expected: string | RegExp, limitMs?: number): Promise<string> {
    const isExpected = (text: string): boolean =>
      typeof expected === 'string' ? text.startsWith(expected) : expected.test(text);
    return poll(ask, isExpected, limitMs);
  }
}
