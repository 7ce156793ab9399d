import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, type Page } from 'puppeteer-core';
import { missingTool } from './child-process.ts';

const EXECUTABLE = 'chromium';
/** Served from nowhere: a page that counts as a secure context, so that it may use the camera. */
const PAGE_URL = 'http://localhost/';

/** Says why Chromium cannot be used, for the `skip` option of a test; false when it is installed. */
export function missingChromium(): string | false {
  return missingTool(EXECUTABLE);
}

/** A headless browser with one empty page and a fake camera, closed with `close`. */
export interface ChromiumPage {
  readonly page: Page;
  close(): Promise<void>;
}

/** Opens Chromium in a profile of its own. */
export async function openChromium(): Promise<ChromiumPage> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'));
  const browser = await launch({
    executablePath: `/usr/bin/${EXECUTABLE}`,
    headless: true,
    userDataDir: profile,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
  const close = async (): Promise<void> => {
    await browser.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const page = await browser.newPage();
    await page.setRequestInterception(true);
    page.on('request', (request) => void request.respond({ contentType: 'text/html', body: '' }));
    await page.goto(PAGE_URL);
    return { page, close };
  } catch (error) {
    await close();
    throw error;
  }
}
