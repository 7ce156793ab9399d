import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { startCallExample, stopCallExample } from '../support/call-example.ts';
import { CallPage } from '../support/call-page.ts';
import { launchChromium, missingChromium, type RunningBrowser } from '../support/chromium.ts';
import { freePorts } from '../support/free-ports.ts';
import { missingBuild } from '../support/gateway-process.ts';

const FRAMES = 20;
const PORTS = 9;

const skip = missingChromium() || missingBuild();

t.test('two browsers call each other through the gateway', { skip }, async (t) => {
  const [example, first, second] = await Promise.all([
    startCallExample(['--first-port', String(await freePorts(PORTS))]),
    launchChromium(),
    launchChromium(),
  ]);
  t.teardown(() => stopCallExample(example));
  for (const browser of [first, second]) t.teardown(() => browser.close());
  const open = async ({ browser }: RunningBrowser): Promise<CallPage> =>
    CallPage.open(await browser.newPage(), example.url);
  const [alice, bob] = await Promise.all([open(first), open(second)]);

  await t.test('names', async (t) => {
    await alice.register('alice');
    await alice.says('You are registered as alice.');
    await bob.register('alice');
    t.match(await bob.says('Not registered'), /somebody is registered as alice already/);
    await bob.register('bob');
    await bob.says('You are registered as bob.');
    await alice.call('carol');
    t.match(await alice.says('No call'), /nobody is registered as carol/);
  });

  await t.test('a call that is declined', async (t) => {
    await alice.call('bob');
    await bob.press('decline');
    t.match(await alice.says('No call'), /bob declined/);
  });

  await t.test('a call over UDP', async (t) => {
    await alice.call('bob', 'udp');
    await bob.press('accept');
    for (const [page, other] of [
      [alice, 'bob'],
      [bob, 'alice'],
    ] as const) {
      await page.says(`You are talking to ${other}.`);
      await page.decodeFrames(FRAMES);
      const path = await page.path();
      t.match(path, {
        way: /^relay candidate/,
        relay: /^127\.0\.0\.1:6\d{4} udp$/,
        mediaServer: /^127\.0\.0\.1:20\d{3} udp \(host\)$/,
        roundTrip: /^\d+\.\d ms$/,
        picture: /^\d+ × \d+, \d+\/s$/,
      });
      t.comment(JSON.stringify(path));
    }
    t.equal((await alice.path()).way, 'relay candidate, TURN over UDP');
  });

  await t.test('the media server dies', async (t) => {
    process.kill(childOf(example.child.pid, 'werift-process'), 'SIGKILL');
    for (const page of [alice, bob]) {
      t.match(await page.says('The call is over'), /the media server has died/);
    }
    await bob.call('alice');
    await alice.press('accept');
    await bob.says('You are talking to alice.');
    await t.resolves(bob.decodeFrames(FRAMES), 'the next call has another one');
    await bob.press('hang-up');
    t.match(await alice.says('The call is over'), /bob hung up/);
  });

  await t.test('a browser is gone', async (t) => {
    await bob.call('alice');
    await alice.says('bob is calling.');
    await bob.page.close();
    t.match(await alice.says('The call is over'), /the connection to bob is lost/);
  });

  t.same([...alice.complaints, ...bob.complaints], [], 'nothing from elsewhere, nothing forbidden');
});

/** Id of a child of a process, of which the command line has a word. */
function childOf(parent: number, word: string): number {
  const found = readdirSync('/proc').find((id) => {
    if (!/^\d+$/.test(id)) return false;
    try {
      const [, ppid] = /\) \w (\d+) /.exec(readFileSync(`/proc/${id}/stat`, 'utf8')) ?? [];
      return Number(ppid) === parent && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`${parent} has no child ${word}`);
  return Number(found);
}
