import { setTimeout as pause } from 'node:timers/promises';
import { type RunningExample, stopCallExample } from '../../../test/support/call-example.ts';
import { CallPage } from '../../../test/support/call-page.ts';
import { missingTool } from '../../../test/support/child-process.ts';
import { childrenOf } from '../../../test/support/children-of.ts';
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
type Transport = (typeof TRANSPORTS)[number];
/** Words in the command lines of the media servers. */
const PROCESSES = { werift: 'werift-process', janus: 'janus.jcfg' } as const;

const FAIL_MS_MAX = 60_000;
const CONNECTING = /^Connecting with/;
const NOT_CONNECTING = /^(?!Connecting with)/;
const OVER = /^The call is over: /;
/** What a call ends with whose browsers, or whose media server, have tried in vain. */
const UNREACHED = /cannot be reached through the gateway|the media of the \w+ has stopped/;
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
  promise: 'browsers call each other by media servers that only the gateway reaches, in every way',
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
  const { url } = example;
  const find = async (what: string, act: (what: string) => Promise<Finding>): Promise<void> => {
    options.progress(what);
    findings.push(await act(what));
  };
  const call = (pair: Pair, transport: Transport): Promise<void> =>
    find(`${media}, TLS at ${tls}, TURN over ${transport}, ${pair.names}`, (what) =>
      callFor(pair, what, url, transport, VIDEO_MS * options.scale),
    );
  try {
    for (const transport of TRANSPORTS) await call(chromiums, transport);
    if (tls !== 'process') return findings;
    await call(mixed, 'udp');
    await find(`${media} dies`, (what) => killMedia(chromiums, what, example, media));
    await find(`control: ${media} without the gateway`, (what) =>
      callWithout(chromiums, what, url),
    );
    return findings;
  } finally {
    await stopCallExample(example);
  }
}

/** Calls for half a minute, and sees what both see. */
function callFor(
  pair: Pair,
  what: string,
  url: string,
  transport: Transport,
  lastsMs: number,
): Promise<Finding> {
  const least = (lastsMs / 1000) * FRAMES_PER_SECOND_MIN;
  const bound = `>= ${least} frames each, through relay candidates over ${transport}`;
  return withPages(what, bound, async (pages) => {
    const [alice, bob] = await openBoth(url, pair, pages);
    await bob.choose(transport);
    await alice.call('bob', transport);
    await talk(alice, bob);
    const before = [await alice.frames(), await bob.frames()];
    await pause(lastsMs);
    const frames = [(await alice.frames()) - before[0]!, (await bob.frames()) - before[1]!];
    const paths = [await alice.path(), await bob.path()];
    const complaints = pages.flatMap((page) => page.complaints);
    const holds =
      paths.every(({ way }) => way === `relay candidate, TURN over ${transport.toUpperCase()}`) &&
      complaints.length === 0 &&
      frames.every((each) => each >= least);
    const seen = paths.map(({ way, roundTrip, receiving }) => [way, roundTrip, receiving]);
    const figure = [`${frames.join(' and ')} frames`, ...seen.flat(), ...complaints].join(', ');
    return { figure, holds };
  });
}

/** The media server dies in a call: both are told, and the next call has another one. */
function killMedia(
  pair: Pair,
  what: string,
  example: RunningExample,
  media: (typeof VARIANTS)[number]['media'],
): Promise<Finding> {
  return withPages(what, 'both are told, and the next call decodes frames', async (pages) => {
    const [alice, bob] = await openBoth(example.url, pair, pages);
    await alice.call('bob');
    await talk(alice, bob);
    const [id] = childrenOf(example.child.pid, PROCESSES[media]);
    process.kill(id!, 'SIGKILL');
    const words = [await alice.says('The call is over'), await bob.says('The call is over')];
    await bob.call('alice');
    await talk(bob, alice);
    await bob.decodeFrames(FRAMES_PER_SECOND_MIN);
    return { figure: words.join(' '), holds: words.every((each) => each.includes('has died')) };
  });
}

/** The control: browsers that try the direct way do not get there. */
function callWithout(pair: Pair, what: string, url: string): Promise<Finding> {
  return withPages(what, 'the media server is not reached', async (pages) => {
    const [alice, bob] = await openBoth(url, pair, pages, WITHOUT_GATEWAY);
    await alice.call('bob');
    await bob.press('accept');
    const both = [alice, bob];
    await Promise.all(both.map((page) => page.says(CONNECTING)));
    // Whoever notices first hangs up.
    const words = await Promise.all(both.map((page) => page.says(NOT_CONNECTING, FAIL_MS_MAX)));
    const holds =
      words.every((each) => OVER.test(each)) && words.some((each) => UNREACHED.test(each));
    return { figure: words.join(' '), holds };
  });
}

async function talk(caller: CallPage, callee: CallPage): Promise<void> {
  await callee.press('accept');
  await caller.says('You are talking to');
  await callee.says('You are talking to');
}

/** Finds something out by pages that are closed then; when it cannot be found out, tells what they show. */
async function withPages(
  what: string,
  bound: string,
  act: (pages: CallPage[]) => Promise<Pick<Finding, 'figure' | 'holds'>>,
): Promise<Finding> {
  const pages: CallPage[] = [];
  try {
    return { what, bound, ...(await act(pages)) };
  } catch (error) {
    const seen = await Promise.all(pages.map((page) => describe(page).catch(String)));
    return { what, bound, figure: [String(error), ...seen].join('; '), holds: false };
  } finally {
    for (const { page } of pages) await page.close();
  }
}

async function describe(page: CallPage): Promise<string> {
  const shown = Object.values(await page.shown());
  const frames = `${await page.frames()} frames`;
  return [await page.text('status'), ...shown, frames, ...page.complaints].join(', ');
}

async function openBoth(
  url: string,
  { caller, callee }: Pair,
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
