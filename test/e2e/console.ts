import t, { type Test } from 'tap';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { missingStage, openConsoleStage, TOKEN } from '../support/console-stage.ts';
import type { Sections } from '../support/operated-gateway.ts';
import { coloursOf, namelessControls } from '../support/page-accessibility.ts';

/** A denied peer appears with its reason within so long. */
const DENIAL_MS_MAX = 2000;
/** As many wrong tokens lock an address out. */
const FAILURES_MAX = 10;
const ALL_BUT_ONE = '1 listener failed. 3 listeners passed.';
/** On a machine that does much else a call may not come about in time. */
const TRIES_MAX = 3;

t.test('the console in Chromium', { skip: missingStage() }, async (t) => {
  const stage = await openConsoleStage(t);
  const { gateway, sections, page: console, origin, port } = stage;
  const client = await stage.connect();
  await client.channelBind(0x4000, TransportAddress.parse('127.0.0.1', port(3490))!);

  await t.test('asks for the token', async (t) => {
    await console.type('Token', 'wrong');
    await console.page.keyboard.press('Enter');
    t.equal(await console.see('[role=alert]', /token/), 'This is not the token of the gateway.');
    await expectLabels(t, 'where it asks');
    await expectReadable(t, 'where it asks');
    for (let failure = 1; failure < FAILURES_MAX; failure++) {
      const headers = { authorization: 'Bearer wrong' };
      t.equal((await fetch(`${origin}/api/v1/status`, { headers })).status, 401);
    }
    await console.type('Token', 'wrong');
    await console.page.keyboard.press('Enter');
    await console.see(
      '[role=alert]',
      /^Too many failed logins\. This page tries again by itself\.$/,
    );
    await signIn();
    await console.see('h1', /^Overview$/);
    t.equal(await console.see('#state', /Running/), 'Running');
    const stored = await console.page.evaluate('[document.cookie, localStorage.length]');
    t.strictSame(stored, ['', 0], 'the token is in this tab only');
  });

  await t.test('shows how the gateway does', async (t) => {
    await console.see('#tile-allocations', /^1$/);
    await console.see('#tile-from-clients', /bit\/s$/);
    t.match(await console.see('#listeners', /udp/), `127.0.0.1:${port(3478)}`);
    const certificate = await console.see('#certificates tbody tr', /tls/);
    t.match(certificate, /generated\s+\d+ \w+ \d{4}\s+\d+$/, 'with the days it has left');
    await expectLabels(t, 'the overview');
  });

  await t.test('shows a denied peer with its reason at once', async (t) => {
    await console.click('link', 'Denials');
    await console.see('#denial-table', /Nobody was refused/);
    const isSeen = console.see('#denial-table tbody tr', /192\.0\.2\.1/, DENIAL_MS_MAX);
    await ask('192.0.2.1');
    const row = await isSeen;
    t.match(row, /Peer denied/);
    t.match(row, /alice at 127\.0\.0\.1:\d+/);
    t.match(row, /no route of the listener contains the address; nearest: echo 127\.0\.0\.1/);
    await expectLabels(t, 'the denials');
  });

  await t.test('goes on where it was when somebody looks again', async (t) => {
    const isClosed = new Promise<void>((resolve) => {
      console.page.on('requestfailed', (request) => {
        if (request.url().startsWith(`${origin}/api/v1/events`)) resolve();
      });
    });
    await stage.otherTab.bringToFront();
    await isClosed;
    t.equal(await console.page.evaluate('document.hidden'), true);
    await ask('192.0.2.2');
    await console.page.bringToFront();
    await console.see('#denial-table tbody tr', /192\.0\.2\.2/, DENIAL_MS_MAX);
    await console.see('#denial-counts', /no route of the listener contains the address\s+2/);
    t.equal((await console.page.$$('#denial-table tbody tr')).length, 2, 'nothing twice');
  });

  await t.test('says whether a peer would be relayed', async (t) => {
    await console.click('link', 'Routes');
    await console.type('Peer', `127.0.0.1:${port(3490)}`);
    await console.click('button', 'Check');
    await console.see('#route-answer', /^Yes\. .* is relayed by cluster echo/);
    await console.type('Peer', '10.0.0.5:5004');
    await console.page.keyboard.press('Enter');
    await console.see('#route-answer', /^No\. .* no route of the listener contains the address\.$/);
    t.match(await console.textOf('#route-advice'), /^The nearest route is echo/);
    await console.type('Peer', 'nonsense');
    await console.click('button', 'Check');
    await console.see('#route-answer', /^Cannot say: peer is an IP address and a port/);
    await expectLabels(t, 'the routes');
  });

  await t.test('ends a session', async (t) => {
    await console.click('link', 'Sessions');
    const row = await console.see('#session-table tbody tr', /alice/);
    t.match(row, `127.0.0.1:${port(3490)}`, 'with its peer');
    await expectLabels(t, 'the sessions');
    await console.type('User', 'bob');
    await console.see('#session-table', /bob has no allocation at the moment\.$/);
    await console.type('User', 'alice');
    await console.see('#session-table tbody tr', /127\.0\.0\.1/);
    await console.page.click('#session-table tbody button');
    await console.see('dialog', /End the session of alice\?/);
    await console.page.keyboard.press('Escape');
    await console.see('#session-table tbody button', /^Kick$/);
    t.equal(await console.page.$('dialog[open]'), null, 'Escape closes the question');
    t.equal(await client.refresh(600), 600, 'and the session goes on');
    await console.page.click('#session-table tbody button');
    await console.click('button', 'Kick');
    await console.see('#session-note', /^The session of alice was ended\.$/);
    await console.see('#session-table', /alice has no allocation at the moment\.$/);
  });

  await t.test('drains, and takes it back', async (t) => {
    await console.click('button', 'Drain');
    await console.see('dialog', /takes no new calls/);
    await console.page.click('#confirm-yes');
    await console.see('#state', /^Draining, takes no new calls$/);
    await t.rejects(stage.connect(), { code: 508 }, 'no new allocations');
    await console.click('button', 'Undrain');
    await console.see('#state', /^Running$/);
    await stage.connect();
  });

  await t.test('shows the configuration, and what a reload finds', async (t) => {
    await console.click('link', 'Configuration');
    await console.see('#config-sections summary', /^auth /);
    const shown = await console.textOf('#config-sections');
    t.match(shown, /"password": "\*\*\*"/);
    t.notMatch(shown, /canary/, 'no secret');
    // It stays a change, also when the gateway has noticed the file before somebody asks.
    await gateway.write(gateway.text({ ...sections, relay: { workers: 3 } }));
    await console.click('button', 'Check the file');
    await console.see('#changes', /relay\.workers\s+2\s+3\s+needs a restart/);
    await console.see('#reload-outcome', /would change nothing\. A restart is needed for relay/);
    await gateway.write(`${gateway.text(sections)}\nnonsense: 1\n`);
    await console.click('button', 'Reload');
    await console.see('#reload-outcome', /^The file has 1 problem; everything is as before\.$/);
    t.match(await console.see('#reload-problems li', /nonsense/), /\.yaml:\d+:\d+: nonsense: /);
    await expectLabels(t, 'the configuration');
    await gateway.write(gateway.text(sections));
  });

  await t.test('says when the gateway does not answer, and goes on', async () => {
    await console.page.setOfflineMode(true);
    await console.see('#offline', /^The gateway does not answer\. What you see is from before/);
    await console.page.setOfflineMode(false);
    await console.see('#state', /^Running$/);
    await console.vanish('#offline');
  });

  await t.test('can be read in both themes', async (t) => {
    for (const section of ['overview', 'sessions', 'denials', 'routes', 'configuration']) {
      await console.page.click(`nav a[href="#${section}"]`);
      await expectReadable(t, section);
    }
  });

  await t.test('is used with the keyboard alone', async (t) => {
    await console.go('/#overview');
    await console.page.reload();
    await console.see('#state', /Running/);
    await console.see('#denial-badge', /^2$/);
    t.strictSame(await console.tabbed(7), [
      'Skip to content',
      'Drain',
      'Sign out',
      'Overview',
      'Sessions',
      'Denials 2',
      'Routes',
    ]);
    await console.page.focus('nav a[href="#sessions"]');
    await console.page.keyboard.press('Enter');
    await console.see('h1', /^Sessions$/);
  });

  await t.test('forgets the token', async () => {
    await console.click('button', 'Sign out');
    await console.see('label', /^Token$/);
    await console.page.reload();
    await console.see('label', /^Token$/);
  });

  await t.test('tests every listener', async (t) => {
    await console.go('/test');
    await signIn();
    await console.see('#echo', /^Echo: http/);
    await expectLabels(t, 'the test page');
    const [first, ...others] = await console.tabbed(9);
    t.equal(first, 'Skip to content');
    t.equal(others.at(-1), 'Run the test', 'by keyboard');
    await console.page.keyboard.press('Enter');
    let summary = await console.see('#summary', /(?:passed|failed)\.$/);
    for (let tries = 1; summary !== ALL_BUT_ONE && tries < TRIES_MAX; tries++) {
      t.comment(`once more: ${(await resultTexts()).join('; ')}`);
      await console.click('button', 'Run the test');
      await console.see('#summary', /^Testing/);
      summary = await console.see('#summary', /(?:passed|failed)\.$/);
    }
    const results = await resultTexts();
    t.equal(summary, ALL_BUT_ONE, 'all but one', { results });
    for (const [index, name] of ['udp', 'tcp', 'tls'].entries()) {
      t.match(results[index], new RegExp(`^${name}\\s+Works`));
      t.match(results[index], /packets (?:came back|were lost)\./, name);
      t.match(results[index], /Round trip, median\s+\d+(?:\.\d)? ms/, name);
      t.match(results[index], /Lost\s+\d+(?:\.\d)? %/, name);
    }
    t.match(results[3], /^astray\s+Fails/);
    t.match(results[3], /astray does not relay to 127\.0\.0\.1:\d+: a route contains the address/);
    t.match(results[3], /The nearest route is elsewhere 127\.0\.0\.1:9: the port is not in 9-9\./);
    t.match(results[3], /Echo\s+not tried/);
    await expectReadable(t, 'the results');
  });

  await t.test('explains what keeps a listener from working', async (t) => {
    const listeners = sections.listeners.slice(0, 1);
    const only = { ...sections, listeners };
    await runWith({ ...only, admin: { ...sections.admin, echo_endpoint: '' } });
    await console.see('#echo', /^No echo is configured/);
    await console.see('#summary', /^1 listener could not be tested to the end\.$/);
    t.match(await resultTexts(), [
      /Allocate\s+The gateway gave .*\s+Route\s+No echo is configured/,
    ]);

    const nobody = `http://127.0.0.1:${port(5349)}/`;
    await runWith({ ...only, admin: { ...sections.admin, echo_endpoint: nobody } });
    await console.see('#summary', /^1 listener failed\.$/);
    t.match(await resultTexts(), [/Route\s+There is nobody to relay to: .* ECONNREFUSED/]);

    const credentials = { secret: undefined, username: 'bob', password: 'right' };
    await configure({ ...only, auth: { ...sections.auth, type: 'static', credentials } });
    await console.page.reload();
    await console.see('legend', /^User of this gateway$/);
    await expectLabels(t, 'where the test page asks for a user');
    await console.type('User name', 'bob');
    await console.click('button', 'Run the test');
    t.equal(await console.page.evaluate('document.activeElement.id'), 'password', 'asks for it');
    await console.type('Password', 'wrong');
    await console.page.keyboard.press('Enter');
    await console.see('#summary', /^1 listener failed\.$/);
    t.match(await resultTexts(), [/Allocate\s+The credential is refused \(401\)\./]);
  });

  t.strictSame(console.foreignRequests, [], 'no request has left the gateway');
  const expected = /status of (?:400|401|422|429|502)|ERR_INTERNET_DISCONNECTED/;
  const unexpected = console.complaints.filter((text) => !expected.test(text));
  t.strictSame(unexpected, [], 'nor has the content security policy been tried');

  async function expectLabels(t: Test, where: string): Promise<void> {
    t.strictSame(await namelessControls(console.page), [], `all has a name: ${where}`);
  }

  async function expectReadable(t: Test, where: string): Promise<void> {
    const light = await coloursOf(console.page, 'light');
    const dark = await coloursOf(console.page, 'dark');
    t.strictSame(light.paleTexts, [], `${where}, light`);
    t.strictSame(dark.paleTexts, [], `${where}, dark`);
    t.not(light.background, dark.background);
  }

  async function signIn(): Promise<void> {
    await console.type('Token', TOKEN);
    await console.page.keyboard.press('Enter');
  }

  async function configure(changes: Sections): Promise<void> {
    await gateway.write(gateway.text(changes));
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${origin}/api/v1/reload`, { method: 'POST', headers });
    t.match(await answer.json(), { problems: [] });
  }

  async function runWith(changes: Sections): Promise<void> {
    await configure(changes);
    await console.click('button', 'Run the test');
  }

  async function resultTexts(): Promise<string[]> {
    return console.page.$$eval('.result', (cards) => cards.map(({ innerText }) => innerText));
  }

  async function ask(peer: string): Promise<void> {
    const address = TransportAddress.parse(peer, 5004)!;
    await t.rejects(client.createPermission(address), { code: 403 });
  }
});
