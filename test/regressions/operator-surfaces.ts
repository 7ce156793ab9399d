import type { Test } from 'tap';
import { createAdminApp } from '../../src/http/admin/app.ts';
import { configFrom } from '../support/configuration.ts';
import { testDefects } from '../support/known-defect.ts';
import { MemoryGateway } from '../http/fixtures/memory-gateway.ts';

const TOKEN = 'a-token-that-nobody-guesses-0123';
const AUTH = 'auth: { credentials: { username: alice, password: wonderland } }';
const STRANGER = '192.0.2.66';

await testDefects([
  {
    id: 'CVE-2018-4059',
    cause: 'a telnet server for administrators was open without a password',
    check: (t) => {
      for (const host of ['0.0.0.0', '[::]', '203.0.113.7']) {
        const text = (admin: string): string =>
          `version: v1\n${AUTH}\nadmin: { api_endpoint: "http://${host}:8087"${admin} }\n`;
        t.throws(() => configFrom(text('')), /api_token/, `${host} without a token`);
        t.throws(() => configFrom(text(', api_token: ""')), /api_token/, `${host}, an empty one`);
        t.ok(configFrom(text(`, api_token: "${TOKEN}"`)), `${host} with one`);
      }
      t.equal(
        configFrom(`version: v1\n${AUTH}\n`).admin.apiEndpoint?.host,
        '127.0.0.1',
        'unless asked for',
      );
    },
  },
  {
    id: 'coturn 7f7dc99d',
    cause: "the check of the administrator's password could be passed without it",
    check: async (t) => {
      const app = openApp();
      const wrong = ['', TOKEN.slice(0, -1), `${TOKEN}x`, 'null', 'undefined', '0', '*', '%'];
      for (const token of wrong) t.equal(await ask(app, `Bearer ${token}`), 401, `"${token}"`);
      t.equal(await ask(app, undefined), 401, 'none');
      t.equal(await ask(app, `Bearer ${TOKEN}`), 200, 'the right one');
      await app.close();
    },
  },
  {
    id: 'coturn e72930f5',
    cause: 'a command for administrators wrote to any file that it was told',
    check: async (t) => {
      const app = openApp();
      const { paths } = (await app.inject('/openapi.json')).json<{ paths: object }>();
      t.ok(Object.keys(paths).length > 5, 'there is an API');
      const names = JSON.stringify(paths).match(
        /"name":"[^"]*(?:file|path|folder|directory)[^"]*"/gi,
      );
      t.same(names ?? [], [], 'none of its parameters names a file');
      await expectUnknown(t, app, ['/api/v1/psd', '/api/v1/../../etc/passwd', '/api/v1/dump']);
      await app.close();
    },
  },
  {
    id: 'GHSA-m23x',
    cause: 'a redirect for ACME on the TURN port was made of a request without an end',
    check: async (t) => {
      const app = openApp();
      const long = 'a'.repeat(3000);
      const path = '/.well-known/acme-challenge/';
      await expectUnknown(t, app, [path, `${path}${long}`, `${path}%00`, `${path}..%2f..%2f`]);
      await app.close();
    },
  },
]);

type App = ReturnType<typeof openApp>;

function openApp() {
  return createAdminApp({
    control: new MemoryGateway(),
    token: TOKEN,
    rateLimit: { requestsMax: 1_000_000, windowMilliseconds: 1000 },
    failureLimits: { failuresMax: 1_000_000, windowMilliseconds: 1000, addressesMax: 10 },
    countRefusal: () => undefined,
  });
}

async function ask(app: App, authorization: string | undefined): Promise<number> {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await app.inject({ url: '/api/v1/status', headers, remoteAddress: STRANGER });
  return response.statusCode;
}

/** Neither an answer nor a redirect, also for who has the token. */
async function expectUnknown(t: Test, app: App, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const { statusCode, headers: answered } = await app.inject({ url, headers });
    t.ok(statusCode >= 400 && statusCode < 500, `${url.slice(0, 40)}: ${statusCode}`);
    t.notOk(answered.location, 'no redirect');
  }
}
