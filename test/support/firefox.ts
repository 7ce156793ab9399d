import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from 'puppeteer-core';
import { missingTool } from './child-process.ts';
import type { RunningBrowser } from './chromium.ts';

const EXECUTABLE = 'firefox-esr';

/** Says why Firefox cannot be used; false when it is installed. */
export function missingFirefox(): string | false {
  return missingTool(EXECUTABLE);
}

/** Starts headless Firefox with a fake camera; it takes any certificate for a page. */
export async function launchFirefox(): Promise<RunningBrowser> {
  const home = await mkdtemp(join(tmpdir(), 'firefox-'));
  const browser = await launch({
    browser: 'firefox',
    executablePath: `/usr/bin/${EXECUTABLE}`,
    headless: true,
    acceptInsecureCerts: true,
    userDataDir: join(home, 'profile'),
    env: { ...process.env, HOME: home },
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
      'media.peerconnection.ice.loopback': true,
    },
  });
  const close = async (): Promise<void> => {
    await browser.close();
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  };
  return { browser, close };
}
