import type { Page } from 'puppeteer-core';
import t, { type Test } from 'tap';
import { missingChromium, openChromium } from '../support/chromium.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { type OpenApi, operationsOf } from '../support/open-api.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';

const COMPAT = { ice: { compat: ['matrix', 'cloudflare', 'metered', 'twilio', 'xirsys'] } };

const skip = missingBuild() || missingChromium();

t.test('the pages that describe the APIs work by themselves', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, COMPAT);
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const ask = async (port: number, tag: string, id: string): Promise<void> => {
    const origin = `http://127.0.0.1:${port}`;
    const page = await browser.page.browser().newPage();
    const heard = listenTo(page);
    await page.goto(`${origin}/docs`);
    await expectOperations(t, page, origin);
    t.equal(await tryOut(page, `#operations-${tag}-${id}`), '200', `${id} can be tried out`);
    t.ok(heard.urls.length > 5, `${heard.urls.length} requests`);
    t.same(heard.urls.filter((url) => !isHere(url, origin)), [], 'nothing is loaded from elsewhere');
    t.same(heard.complaints, [], 'the browser has nothing to complain of');
    await page.close();
  };
  await ask(gateway.ports.ice, 'ICE', 'getIceAuth');
  await ask(gateway.ports.api, 'Status', 'getStatus');
}); // prettier-ignore

function isHere(url: string, origin: string): boolean {
  return url.startsWith('data:') || url.startsWith(`${origin}/`);
}

/** What a page asks for, and what the browser says about it, such as what its policy forbids. */
function listenTo(page: Page): { readonly urls: string[]; readonly complaints: string[] } {
  const urls: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => urls.push(request.url()));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { urls, complaints };
}

async function expectOperations(t: Test, page: Page, origin: string): Promise<void> {
  const description = (await (await fetch(`${origin}/openapi.json`)).json()) as OpenApi;
  await page.waitForSelector('.opblock');
  const shown = await page.$$eval('.opblock-summary', (blocks) =>
    blocks.map((block) => {
      const text = (selector: string): string => block.querySelector(selector)?.textContent ?? '';
      return `${text('.opblock-summary-method')} ${text('.opblock-summary-path')}`;
    }),
  );
  const names = shown.map((name) => name.replaceAll('\u200B', '')).toSorted();
  t.same(names, operationsOf(description), 'every operation is shown');
}

/** Sends the request of an operation from the page; resolves with the status that it shows. */
async function tryOut(page: Page, operation: string): Promise<string> {
  await page.click(`${operation} .opblock-summary-control`);
  await (await page.waitForSelector(`${operation} .try-out__btn`))?.click();
  await (await page.waitForSelector(`${operation} .execute`))?.click();
  const status = await page.waitForSelector(
    `${operation} .live-responses-table tbody .response-col_status`,
  );
  return ((await status?.evaluate((cell) => cell.textContent)) ?? '').trim();
}
