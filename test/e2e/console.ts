import type { SerializedAXNode } from 'puppeteer-core';
import t, { type Test } from 'tap';
import { TransportAddress } from '../../src/stun/transport-address.ts';
import { missingChromium, openChromium } from '../support/chromium.ts';
import { ConsolePage, missingConsole } from '../support/console-page.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { TurnClient } from '../support/turn-client.ts';

const TOKEN = 'canary-admin-token';
const PASSWORD = 'canary-user-password';
const SECTIONS = {
  admin: { api_token: TOKEN },
  auth: { users: [{ username: 'alice', password: PASSWORD }] },
};
/** A denied peer appears with its reason within so long. */
const DENIAL_MS_MAX = 2000;

const skip = missingChromium() || missingBuild() || missingConsole();

t.test('the console in Chromium', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, SECTIONS);
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const origin = `http://127.0.0.1:${gateway.ports.api}`;
  const console = await ConsolePage.open(browser.page.browser(), origin);
  const connect = async (): Promise<TurnClient> => {
    const credential = { username: 'alice', password: PASSWORD };
    const client = await TurnClient.open({ server: gateway.server, transport: 'udp', credential });
    t.teardown(() => client.close());
    await client.allocate();
    return client;
  };

  await t.test('asks for the token', async (t) => {
    await console.type('Token', 'wrong');
    await console.page.keyboard.press('Enter');
    t.equal(await console.see('[role=alert]', /token/), 'This is not the token of the gateway.');
    await expectLabels(t, 'where it asks');
    await console.type('Token', TOKEN);
    await console.page.keyboard.press('Enter');
    await console.see('h1', /^Overview$/);
    t.equal(await console.see('#state', /Running/), 'Running');
    const stored = await console.page.evaluate('[document.cookie, localStorage.length]');
    t.strictSame(stored, ['', 0], 'the token is in this tab only');
  });

  const client = await connect();
  await client.channelBind(0x4000, gateway.peer.address);

  await t.test('shows how the gateway does', async (t) => {
    await console.see('#tile-allocations', /^1$/);
    await console.see('#tile-from-clients', /bit\/s$/);
    t.match(await console.see('#listeners', /udp/), `127.0.0.1:${gateway.ports.turn}`);
    t.match(await console.see('#certificates', /TLS/), 'No listener and no endpoint uses TLS');
    await expectLabels(t, 'the overview');
  });

  await t.test('shows a denied peer with its reason at once', async (t) => {
    await console.click('link', 'Denials');
    await console.see('#denial-table', /Nobody was refused/);
    const isSeen = console.see('#denial-table tbody tr', /192\.0\.2\.1/, DENIAL_MS_MAX);
    const peer = TransportAddress.parse('192.0.2.1', 5004);
    await t.rejects(client.createPermission(peer!), { code: 403 });
    const row = await isSeen;
    t.match(row, /Peer denied/);
    t.match(row, /alice at 127\.0\.0\.1:\d+/);
    t.match(row, /no route of the listener contains the address; nearest: peers 127\.0\.0\.1/);
    await console.see('#denial-counts', /no route of the listener contains the address\s+1/);
    await expectLabels(t, 'the denials');
  });

  await t.test('says whether a peer would be relayed', async (t) => {
    await console.click('link', 'Routes');
    await console.type('Peer', `127.0.0.1:${gateway.peer.address.port}`);
    await console.click('button', 'Check');
    await console.see('#route-answer', /^Yes\. .* is relayed by cluster peers/);
    await console.type('Peer', '10.0.0.5:5004');
    await console.page.keyboard.press('Enter');
    await console.see('#route-answer', /^No\. .* no route of the listener contains the address\.$/);
    t.match(await console.textOf('#route-advice'), /^The nearest route is peers/);
    await console.type('Peer', 'nonsense');
    await console.click('button', 'Check');
    await console.see('#route-answer', /^Cannot say: peer is an IP address and a port/);
    await expectLabels(t, 'the routes');
  });

  await t.test('ends a session', async (t) => {
    await console.click('link', 'Sessions');
    const row = await console.see('#session-table tbody tr', /alice/);
    t.match(row, `127.0.0.1:${gateway.peer.address.port}`, 'with its peer');
    await expectLabels(t, 'the sessions');
    await console.type('User', 'bob');
    await console.see('#session-table', /Nobody has an allocation/);
    await console.type('User', 'alice');
    await console.see('#session-table tbody tr', /alice/);
    await console.page.click('#session-table tbody button');
    await console.see('dialog', /End the session of alice\?/);
    await console.page.keyboard.press('Escape');
    await console.see('#session-table tbody tr', /alice/);
    await console.page.click('#session-table tbody button');
    await console.click('button', 'Kick');
    await console.see('#session-note', /^The session of alice was ended\.$/);
    await console.see('#session-table', /Nobody has an allocation/);
  });

  await t.test('drains, and takes it back', async (t) => {
    await console.click('button', 'Drain');
    await console.see('dialog', /takes no new calls/);
    await console.page.click('#confirm-yes');
    await console.see('#state', /^Draining, takes no new calls$/);
    await t.rejects(connect(), 'no new allocations');
    await console.click('button', 'Undrain');
    await console.see('#state', /^Running$/);
    await connect();
  });

  await t.test('shows the configuration, and what a reload finds', async (t) => {
    await console.click('link', 'Configuration');
    await console.see('#config-sections summary', /^auth /);
    const shown = await console.textOf('#config-sections');
    t.match(shown, /"password": "\*\*\*"/);
    t.notMatch(shown, /canary/, 'no secret');
    await gateway.write(`${gateway.text({ ...SECTIONS, limits: { allocations_max: 7 } })}`);
    await console.click('button', 'Check the file');
    await console.see('#changes', /limits\.allocations_max/);
    await gateway.write(`${gateway.text(SECTIONS)}\nnonsense: 1\n`);
    await console.click('button', 'Reload');
    await console.see('#reload-outcome', /^The file has 1 problem; everything is as before\.$/);
    t.match(await console.see('#reload-problems li', /nonsense/), /\.yaml:\d+:\d+: nonsense: /);
    await expectLabels(t, 'the configuration');
    await gateway.write(gateway.text(SECTIONS));
  });

  await t.test('is used with the keyboard alone', async (t) => {
    await console.go('/#overview');
    await console.page.reload();
    await console.see('#state', /Running/);
    const visited: string[] = [];
    for (let step = 0; step < 9; step++) {
      await console.page.keyboard.press('Tab');
      visited.push(String(await console.page.evaluate('document.activeElement.innerText')));
    }
    t.match(
      visited.map((text) => text.trim().split('\n')[0]),
      ['Skip to content', 'Drain', 'Sign out', 'Overview', 'Sessions', 'Denials 1', 'Routes'],
    );
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

  t.strictSame(console.foreignRequests, [], 'no request has left the gateway');
  const unexpected = console.complaints.filter((text) => !/status of (?:401|422|400)/.test(text));
  t.strictSame(unexpected, [], 'nor has the content security policy been tried');

  async function expectLabels(t: Test, where: string): Promise<void> {
    const tree = await console.page.accessibility.snapshot();
    const nameless = flat(tree).filter(({ role, name }) => ACTIVE.has(role) && !name);
    t.strictSame(nameless, [], `everything that can be used has a name: ${where}`);
    t.ok(
      flat(tree).some(({ role }) => role === 'heading'),
      where,
    );
  }
});

const ACTIVE = new Set(['button', 'link', 'textbox', 'searchbox', 'combobox', 'region', 'table']);

function flat(node: SerializedAXNode | null): SerializedAXNode[] {
  return node === null ? [] : [node, ...(node.children ?? []).flatMap(flat)];
}
