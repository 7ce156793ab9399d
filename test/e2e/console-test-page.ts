import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { parse, stringify } from 'yaml';
import { defaultConfigText } from '../../src/config/defaults.ts';
import { missingTool, TestProcess } from '../support/child-process.ts';
import { missingChromium, openChromium } from '../support/chromium.ts';
import { ConsolePage, missingConsole } from '../support/console-page.ts';
import { freePorts } from '../support/free-ports.ts';
import { MAIN, missingBuild, startReady } from '../support/gateway-process.ts';

const DEFAULT_PORTS = [3478, 5349, 8080, 8086, 8087, 8088, 8089, 3490];
const ECHO_PORTS = 20;

const skip = missingChromium() || missingTool('certutil') || missingBuild() || missingConsole();

t.test('the test page in Chromium', { skip }, async (t) => {
  const ports = await takePorts();
  const gateway = await startReady(defaultOn(ports));
  t.teardown(() => gateway.stop());
  await startEcho(t, ports);
  const trustedPeer = await certificateOf(t, ports(5349));
  const browser = await openChromium({ trustedPeer });
  t.teardown(() => browser.close());
  const page = await ConsolePage.open(
    browser.page.browser(),
    `http://127.0.0.1:${ports(8087)}`,
    '/test',
  );

  await page.see('#echo', /^Echo: http/);
  await page.click('button', 'Run the test');
  await page.see('#summary', /failed|passed/);
  const results = await page.page.$$eval('.result', (cards) =>
    cards.map(({ innerText }) => innerText),
  );
  t.equal(results.length, 4);

  t.test('every listener of a default start passes', (t) => {
    for (const [index, name] of ['udp', 'tcp', 'tls'].entries()) {
      const text = results[index] ?? '';
      t.match(text, new RegExp(`^${name}\\s+Works`));
      t.match(text, /All 50 packets came back\./, name);
      t.match(text, /Round trip, median\s+\d+(?:\.\d)? ms/, name);
      t.match(text, /Lost\s+0 %/, name);
    }
    t.end();
  });

  t.test('a wrong route is explained', (t) => {
    const text = results[3] ?? '';
    t.match(text, /^astray\s+Fails/);
    t.match(
      text,
      /astray does not relay to 127\.0\.0\.1:\d+: a route contains the address, but not this port\./,
    );
    t.match(text, /The nearest route is elsewhere 127\.0\.0\.1:9: the port is not in 9-9\./);
    t.match(text, /Echo\s+not tried/);
    t.end();
  });

  t.equal(await page.textOf('#summary'), '1 of 4 listeners failed.');
  t.strictSame(page.foreignRequests, []);
  t.strictSame(page.complaints, []);
});

/** Ports of a default start, and where they are here. */
type Ports = (port: number) => number;

async function takePorts(): Promise<Ports> {
  const first = await freePorts(DEFAULT_PORTS.length + ECHO_PORTS + 1);
  const moved = new Map(DEFAULT_PORTS.map((port, index) => [port, first + index]));
  return (port) => moved.get(port) ?? first + DEFAULT_PORTS.length + (port - 3500);
}

/** The embedded configuration on other ports, with a listener more whose route leads elsewhere. */
function defaultOn(ports: Ports): string {
  const moved = defaultConfigText('a-secret-for-tests-only').replace(/\b\d{4}\b/g, (port) =>
    String(ports(Number(port))),
  );
  const config = parse(moved) as {
    admin: object;
    listeners: { name: string; port: number; routes: string[] }[];
    clusters: object[];
  };
  const [udp] = config.listeners;
  config.listeners.push({ ...udp!, name: 'astray', port: ports(3519) + 1, routes: ['elsewhere'] });
  const loopback = { dangerously_allow: ['127.0.0.1/32'] };
  config.clusters.push({ name: 'elsewhere', endpoints: ['127.0.0.1:9'], ...loopback });
  return stringify({ ...config, admin: { ...config.admin, log_format: 'json' } });
}

async function startEcho(t: Test, ports: Ports): Promise<void> {
  const listen = `http://127.0.0.1:${ports(8089)}/whip`;
  const range = `${ports(3500)}-${ports(3519)}`;
  const echo = new TestProcess(process.execPath, [
    MAIN,
    'echo',
    '--listen',
    listen,
    '--ports',
    range,
  ]);
  t.teardown(() => echo.stop());
  await echo.waitForLine((line) => line.startsWith('WebRTC echo:'));
}

/** The certificate that a TLS listener has made itself, as a PEM file. */
async function certificateOf(t: Test, port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const pem = socket.getPeerX509Certificate()?.toString() ?? '';
  socket.destroy();
  const file = join(t.testdir(), 'listener.pem');
  await writeFile(file, pem);
  return file;
}
