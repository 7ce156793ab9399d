import { setTimeout as pause } from 'node:timers/promises';
import { stopCallExample } from '../../../test/support/call-example.ts';
import { CallPage } from '../../../test/support/call-page.ts';
import { missingTool } from '../../../test/support/child-process.ts';
import {
  launchChromium,
  missingChromium,
  type RunningBrowser,
} from '../../../test/support/chromium.ts';
import { launchFirefox, missingFirefox } from '../../../test/support/firefox.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { missingHaproxy, missingNginx } from '../../../test/support/load-balancers.ts';
import { TestPki } from '../../../test/support/secure-gateway.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { IsolatedCall } from '../../support/isolated-call.ts';
import { missingForNamespaces } from '../../support/network-namespace.ts';

const VIDEO_MS = 30_000;
/** The fake camera has 20 frames a second or more, of which a busy machine may skip some. */
const FRAMES_PER_SECOND_MIN = 5;
const VARIANTS = [
  { media: 'werift', tls: 'process' },
  { media: 'janus', tls: 'process' },
  { media: 'werift', tls: 'nginx' },
  { media: 'janus', tls: 'nginx' },
  { media: 'werift', tls: 'haproxy' },
  { media: 'janus', tls: 'haproxy' },
] as const;
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;

const FAIL_MS_MAX = 60_000;
/** Takes the gateway away from what the page asks for. */
const WITHOUT_GATEWAY = `
  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Original {
    constructor() {
      super({});
    }
  };
`;

/** Two browsers that call each other. */
interface Pair {
  readonly names: string;
  readonly caller: RunningBrowser;
  readonly callee: RunningBrowser;
}

/** Browsers call each other through media servers that only the gateway reaches. */
export const one2oneCall: Scenario = {
  name: 'one2one-call',
  promise:
    'two browsers call each other through media servers that only the gateway reaches, in every variant',
  missing: () =>
    missingBuild() ||
    missingForNamespaces() ||
    missingChromium() ||
    missingFirefox() ||
    missingHaproxy() ||
    missingNginx() ||
    missingTool('janus', 'certutil'),
  run: (options) => Cleanup.around((cleanup) => callInEveryWay(cleanup, options)),
};

/** What stays the same from variant to variant. */
interface Scene {
  readonly network: IsolatedCall;
  /** Options that name the certificate. */
  readonly certificate: readonly string[];
  readonly chromiums: Pair;
  readonly mixed: Pair;
  readonly options: ScenarioOptions;
}

async function callInEveryWay(
  cleanup: Cleanup,
  options: ScenarioOptions,
): Promise<readonly Finding[]> {
  const network = new IsolatedCall(cleanup);
  const pki = await TestPki.create(cleanup);
  const { certFile, keyFile } = await pki.server({ names: [network.host] });
  const chromium = () => launchChromium({ trustedAuthority: pki.caFile });
  const browsers: RunningBrowser[] = [];
  for (const launch of [chromium, chromium, launchFirefox]) {
    const browser = await launch();
    cleanup.teardown(() => browser.close());
    browsers.push(browser);
  }
  const [caller, callee, firefox] = browsers as [RunningBrowser, RunningBrowser, RunningBrowser];
  const scene: Scene = {
    network,
    certificate: ['--cert', certFile, '--key', keyFile],
    chromiums: { names: 'Chromium and Chromium', caller, callee },
    mixed: { names: 'Firefox and Chromium', caller: firefox, callee },
    options,
  };
  const findings: Finding[] = [];
  for (const variant of VARIANTS) findings.push(...(await callInOneWay(scene, variant)));
  return findings;
}

async function callInOneWay(
  { network, certificate, chromiums, mixed, options }: Scene,
  { media, tls }: (typeof VARIANTS)[number],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const example = await network.start('--media', media, '--tls', tls, ...certificate);
  const call = async (pair: Pair, transport: (typeof TRANSPORTS)[number]): Promise<void> => {
    const what = `${media}, TLS at ${tls}, TURN over ${transport}, ${pair.names}`;
    options.progress(what);
    findings.push(await callFor(pair, what, example.url, transport, options));
  };
  try {
    for (const transport of TRANSPORTS) await call(chromiums, transport);
    if (tls !== 'process') return findings;
    await call(mixed, 'udp');
    options.progress(`${media} without the gateway`);
    findings.push(await callWithout(chromiums, media, example.url));
    return findings;
  } finally {
    await stopCallExample(example);
  }
}

/** Calls for half a minute, and sees what both see. */
async function callFor(
  { names, caller, callee }: Pair,
  what: string,
  url: string,
  transport: (typeof TRANSPORTS)[number],
  { scale }: ScenarioOptions,
): Promise<Finding> {
  const lastsMs = VIDEO_MS * scale;
  const least = (lastsMs / 1000) * FRAMES_PER_SECOND_MIN;
  const bound = `>= ${least} frames each, through relay candidates`;
  const pages: CallPage[] = [];
  try {
    const [alice, bob] = await openBoth(url, caller, callee, pages);
    await bob.choose(transport);
    await alice.call('bob', transport);
    await bob.press('accept');
    await alice.says('You are talking to bob.');
    await bob.says('You are talking to alice.');
    const before = [await alice.frames(), await bob.frames()];
    await pause(lastsMs);
    const frames = [(await alice.frames()) - before[0]!, (await bob.frames()) - before[1]!];
    const path = await alice.path();
    const ways = [path.way, (await bob.path()).way];
    const complaints = pages.flatMap((page) => page.complaints);
    const seen = `${frames.join(' and ')} frames`;
    const figures = [seen, path.roundTrip, path.receiving, ...complaints];
    const isThrough = ways.every((way) => way.startsWith('relay candidate'));
    const isAsChosen = names.startsWith('Firefox') || path.way.endsWith(transport.toUpperCase());
    return {
      what,
      figure: figures.join(', '),
      bound,
      holds:
        isThrough && isAsChosen && complaints.length === 0 && frames.every((each) => each >= least),
    };
  } catch (error) {
    return { what, figure: String(error), bound, holds: false };
  } finally {
    for (const { page } of pages) await page.close();
  }
}

/** The control: browsers that try the direct way do not get there. */
async function callWithout({ caller, callee }: Pair, media: string, url: string): Promise<Finding> {
  const what = `control: ${media} without the gateway`;
  const bound = 'no call';
  const pages: CallPage[] = [];
  try {
    const [alice, bob] = await openBoth(url, caller, callee, pages, WITHOUT_GATEWAY);
    await alice.call('bob');
    await bob.press('accept');
    await alice.says('Connecting with bob');
    // One that gets there goes on and on.
    const figure = await alice.says('The call is over', FAIL_MS_MAX);
    return { what, figure, bound, holds: true };
  } catch (error) {
    return { what, figure: String(error), bound, holds: false };
  } finally {
    for (const { page } of pages) await page.close();
  }
}

async function openBoth(
  url: string,
  caller: RunningBrowser,
  callee: RunningBrowser,
  pages: CallPage[],
  script?: string,
): Promise<[CallPage, CallPage]> {
  const open = async ({ browser }: RunningBrowser, name: string): Promise<CallPage> => {
    const page = await browser.newPage();
    if (script !== undefined) await page.evaluateOnNewDocument(script);
    const opened = await CallPage.open(page, url);
    pages.push(opened);
    await opened.register(name);
    await opened.says(`You are registered as ${name}.`);
    return opened;
  };
  return [await open(caller, 'alice'), await open(callee, 'bob')];
}
