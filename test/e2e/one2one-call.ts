import t from 'tap';
import { startCallExample, stopCallExample } from '../support/call-example.ts';
import { CallPage } from '../support/call-page.ts';
import { launchChromium, missingChromium } from '../support/chromium.ts';
import { freePorts, isPortFree } from '../support/free-ports.ts';
import { missingBuild } from '../support/gateway-process.ts';

const FRAMES = 10;
const PORTS = 9;

const skip = missingChromium() || missingBuild();

t.test('two browsers call each other through the gateway', { skip }, async (t) => {
  const firstPort = await freePorts(PORTS);
  const [example, running] = await Promise.all([
    startCallExample(['--first-port', String(firstPort)]),
    launchChromium(),
  ]);
  t.teardown(() => stopCallExample(example));
  t.teardown(() => running.close());
  const open = async (): Promise<CallPage> => {
    const context = await running.browser.createBrowserContext();
    return CallPage.open(await context.newPage(), example.url);
  };
  const [alice, bob] = [await open(), await open()];

  await t.test('names', async (t) => {
    await alice.register('alice');
    await alice.says('You are registered as alice.');
    await bob.register('alice');
    t.match(await bob.says('Not registered'), /somebody is registered as alice already/);
    await bob.register('bob');
    await bob.says('You are registered as bob.');
  });

  await t.test('a call over UDP', async (t) => {
    await alice.call('bob', 'udp');
    await bob.press('accept');
    const check = async (page: CallPage, other: string) => {
      await page.says(`You are talking to ${other}.`);
      await page.decodeFrames(FRAMES);
      const path = await page.path();
      t.match(path, {
        way: /^relay candidate/,
        relay: /^127\.0\.0\.1:6\d{4} udp$/,
        mediaServer: /^127\.0\.0\.1:10\d{3} udp \(host\)$/,
        roundTrip: /^\d+\.\d ms$/,
        picture: /^\d+ × \d+, \d+\/s$/,
      });
      t.comment(JSON.stringify(path));
    };
    await Promise.all([check(alice, 'bob'), check(bob, 'alice')]);
    t.equal((await alice.path()).way, 'relay candidate, TURN over UDP');
  });

  await t.test('a browser is gone', async (t) => {
    await bob.page.close();
    t.match(await alice.says('The call is over'), /the connection to bob is lost/);
    const complaints = [...alice.complaints, ...bob.complaints];
    t.same(complaints, [], 'nothing came from elsewhere, nothing was forbidden');
  });

  await t.test('the terminal is closed', async (t) => {
    example.child.signal('SIGHUP');
    t.match(await example.child.ended, { exitCode: 0 });
    for (let port = firstPort; port < firstPort + PORTS; port++) {
      t.ok(await isPortFree(port), 'nothing listens any more');
    }
  });
});
