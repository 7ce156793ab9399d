import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Page } from 'puppeteer-core';
import type { Test } from 'tap';
import { parse } from 'yaml';
import { defaultConfigText } from '../../src/config/defaults.ts';
import { missingTool, TestProcess } from './child-process.ts';
import { missingChromium, openChromium } from './chromium.ts';
import { ConsolePage, missingConsole } from './console-page.ts';
import { freePorts } from './free-ports.ts';
import { MAIN, missingBuild } from './gateway-process.ts';
import { OperatedGateway, type Sections } from './operated-gateway.ts';
import { TurnClient } from './turn-client.ts';

/** Opens the admin API of the stage. */
export const TOKEN = 'canary-admin-token';
const ALICE = { username: 'alice', password: 'canary-user-password' };
const HOST = '127.0.0.1';
/** Port of a listener beside those of the embedded configuration, whose route leads elsewhere. */
const ASTRAY_PORT = 3479;
/** Ports that are used one by one. */
const SINGLE_PORTS = [3478, ASTRAY_PORT, 5349, 3490, 8089];
const ECHO_PORT_MIN = 3500;
const ECHO_PORTS = 20;

/** Says why there can be no stage, for the `skip` option of a test; false when there can. */
export function missingStage(): string | false {
  return missingChromium() || missingTool('certutil') || missingBuild() || missingConsole();
}

interface StageSections extends Sections {
  readonly admin: Sections;
  readonly auth: Sections;
  readonly listeners: readonly object[];
}

/** A gateway much as it is by default, on other ports, with a WebRTC echo and a tab of a browser. */
export interface ConsoleStage {
  readonly gateway: OperatedGateway;
  /** Of `gateway`, as `OperatedGateway.text` takes them. */
  readonly sections: StageSections;
  readonly page: ConsolePage;
  /** Another tab, which hides that of `page` when it comes to the front. */
  readonly otherTab: Page;
  readonly origin: string;
  /** Where a port of the embedded configuration is here. */
  readonly port: (embedded: number) => number;
  /** Has a client of alice, who has a password, allocate over UDP. */
  connect(): Promise<TurnClient>;
}

/** Starts everything; it ends with the test. */
export async function openConsoleStage(t: Test): Promise<ConsoleStage> {
  const port = await takePorts();
  const sections = { ...embeddedSections(port), auth: { users: [ALICE] } };
  const [gateway] = await Promise.all([OperatedGateway.start(t, sections), startEcho(t, port)]);
  const trustedPeer = await certificateOf(t, port(5349));
  const browser = await openChromium({ trustedPeer });
  t.teardown(() => browser.close());
  const origin = `http://${HOST}:${gateway.ports.api}`;
  const page = await ConsolePage.open(browser.page.browser(), origin);
  const server = { host: HOST, port: port(3478) };
  const connectAlice = async (): Promise<TurnClient> => {
    const client = await TurnClient.open({ server, transport: 'udp', credential: ALICE });
    t.teardown(() => client.close());
    await client.allocate();
    return client;
  };
  const otherTab = browser.page;
  return { gateway, sections, page, otherTab, origin, port, connect: connectAlice };
}

async function takePorts(): Promise<ConsoleStage['port']> {
  const first = await freePorts(SINGLE_PORTS.length + ECHO_PORTS);
  const moved = new Map(SINGLE_PORTS.map((embedded, index) => [embedded, first + index]));
  const echo = first + SINGLE_PORTS.length;
  return (embedded) => moved.get(embedded) ?? echo + embedded - ECHO_PORT_MIN;
}

/** What the embedded configuration says of listeners, backends and the echo. */
function embeddedSections(port: ConsoleStage['port']) {
  const moved = defaultConfigText('').replace(/\b\d{4}\b/g, (embedded) =>
    String(port(Number(embedded))),
  );
  const { admin, listeners, clusters } = parse(moved) as {
    admin: { echo_endpoint: string };
    listeners: object[];
    clusters: object[];
  };
  const astray = { name: 'astray', port: port(ASTRAY_PORT), routes: ['elsewhere'] };
  const loopback = { dangerously_allow: [`${HOST}/32`] };
  return {
    admin: { api_token: TOKEN, echo_endpoint: admin.echo_endpoint },
    listeners: [...listeners, { ...listeners[0], ...astray }],
    clusters: [...clusters, { name: 'elsewhere', endpoints: [`${HOST}:9`], ...loopback }],
  };
}

async function startEcho(t: Test, port: ConsoleStage['port']): Promise<void> {
  const listen = `http://${HOST}:${port(8089)}/whip`;
  const range = `${port(ECHO_PORT_MIN)}-${port(ECHO_PORT_MIN + ECHO_PORTS - 1)}`;
  const options = ['--listen', listen, '--ports', range];
  const echo = new TestProcess(process.execPath, [MAIN, 'echo', ...options]);
  t.teardown(() => echo.stop());
  await echo.waitForLine((line) => line.startsWith('WebRTC echo:'));
}

/** The certificate that a TLS listener has made itself, as a PEM file. */
async function certificateOf(t: Test, port: number): Promise<string> {
  const socket = connect({ host: HOST, port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const pem = socket.getPeerX509Certificate()?.toString() ?? '';
  socket.destroy();
  const file = join(t.testdir(), 'listener.pem');
  await writeFile(file, pem);
  return file;
}
