import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { launch, type Browser, type Page } from 'puppeteer-core';
import { missingTool } from './child-process.ts';

const execute = promisify(execFile);

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

/** What Chromium is opened with. */
export interface ChromiumOptions {
  /** PEM file of an authority whose certificates it trusts. */
  readonly trustedAuthority?: string;
  /** PEM file of a certificate of a server that it trusts. */
  readonly trustedPeer?: string;
}

/** Opens Chromium with an empty page. */
export async function openChromium(options: ChromiumOptions = {}): Promise<ChromiumPage> {
  const running = await launchChromium(options);
  const close = (): Promise<void> => running.close();
  try {
    const page = await running.browser.newPage();
    await page.setRequestInterception(true);
    page.on('request', (request) => void request.respond({ contentType: 'text/html', body: '' }));
    await page.goto(PAGE_URL);
    return { page, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A headless browser with a fake camera, closed with `close`. */
export interface RunningBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** Starts Chromium in a profile and a home folder of its own. */
export async function launchChromium({
  trustedAuthority,
  trustedPeer,
}: ChromiumOptions = {}): Promise<RunningBrowser> {
  const home = await mkdtemp(join(tmpdir(), 'chromium-'));
  const profile = join(home, 'profile');
  if (trustedAuthority !== undefined) await trust(home, trustedAuthority, 'C,,');
  if (trustedPeer !== undefined) await trust(home, trustedPeer, 'P,,');
  const browser = await launch({
    executablePath: `/usr/bin/${EXECUTABLE}`,
    headless: true,
    userDataDir: profile,
    env: { ...process.env, HOME: home },
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
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  };
  return { browser, close };
}

/** Chromium takes the certificate database of the user. */
async function trust(home: string, file: string, flags: string): Promise<void> {
  const folder = join(home, '.pki/nssdb');
  await mkdir(folder, { recursive: true });
  const database = `sql:${folder}`;
  await execute('certutil', ['-d', database, '-N', '--empty-password']);
  await execute('certutil', ['-d', database, '-A', '-n', 'test', '-t', flags, '-i', file]);
}
