import { installCaller } from '../../../test/support/browser-caller.ts';
import { openChromium } from '../../../test/support/chromium.ts';
import { relayFault, runUclient } from '../../../test/support/coturn-tools.ts';
import type { IceServer } from '../../../test/support/server-under-test.ts';
import { echoCall, STACKS, type Stack } from '../../../test/support/webrtc-stacks.ts';
import { expectRelayedOnly } from '../../../test/support/webrtc.ts';
import { openEchoPeer } from '../../../test/support/werift-peer.ts';

/** How a client reaches the gateway. */
export type ClientTransport = 'udp' | 'tcp' | 'tls' | 'dtls';

/** The gateway that is called through. */
export interface CalledGateway {
  readonly secret: string;
  /** The listener of a transport, with a credential. */
  iceServer(transport: ClientTransport): IceServer;
  portOf(transport: ClientTransport): number;
  /** PEM file of the authority of its certificate. */
  readonly authorityFile: string;
  /** Port of `turnutils_peer`. */
  readonly echoPort: number;
}

/** A client of which the gateway's authors wrote no line. */
export interface IndependentClient {
  readonly name: string;
  readonly transports: readonly ClientTransport[];
  /** Opens it, for as many calls as are wanted; a call that succeeds says nothing, another one what went wrong. */
  open(gateway: CalledGateway): Promise<OpenedClient>;
}

/** A client that is ready to call. */
export interface OpenedClient {
  call(transport: ClientTransport): Promise<string | undefined>;
  close(): Promise<unknown>;
}

const TEXTS = Array.from(
  { length: 20 },
  (_, index) => `message ${index} ${'x'.repeat(index * 50)}`,
);
const FRAMES = 5;
const TOOL_MS_MAX = 30_000;

const CHROMIUM: IndependentClient = {
  name: 'Chromium',
  transports: ['udp', 'tcp', 'tls'],
  async open(gateway) {
    const browser = await openChromium({ trustedAuthority: gateway.authorityFile });
    const caller = await installCaller(browser.page);
    return {
      call: (transport) =>
        toEchoPeer(async (answer) => {
          try {
            const offer = await caller.offer(gateway.iceServer(transport));
            expectRelayedOnly(offer);
            await caller.accept(await answer(offer));
            const echoed = await caller.echo(TEXTS);
            await caller.presentFrames(FRAMES);
            return faultOf(echoed);
          } finally {
            await caller.hangUp();
          }
        }),
      close: () => browser.close(),
    };
  },
};

/** The tool sends to several clients' peers at once and counts the bytes that come back. */
const UCLIENT: IndependentClient = {
  name: 'turnutils_uclient',
  transports: ['udp', 'tcp', 'tls', 'dtls'],
  open(gateway) {
    const peer = ['-e', '127.0.0.1', '-r', String(gateway.echoPort), '-n', '10', '-m', '4', '-c'];
    const flags = { udp: [], tcp: ['-t'], tls: ['-t', '-S'], dtls: ['-S'] } as const;
    return Promise.resolve({
      call: async (transport) =>
        relayFault(
          await runUclient(
            { port: gateway.portOf(transport), secret: gateway.secret },
            [...flags[transport], ...peer],
            TOOL_MS_MAX,
          ),
        ),
      close: () => Promise.resolve(),
    });
  },
};

/** All clients. */
export const CLIENTS: readonly IndependentClient[] = [...STACKS.map(clientOf), CHROMIUM, UCLIENT];

function clientOf(stack: Stack): IndependentClient {
  const open = (gateway: CalledGateway): Promise<OpenedClient> =>
    Promise.resolve({
      call: (transport) =>
        toEchoPeer(async (answer) =>
          faultOf(await echoCall(stack, gateway.iceServer(transport), TEXTS, answer)),
        ),
      close: () => Promise.resolve(),
    });
  return { name: stack.name, transports: stack.transports, open };
}

async function toEchoPeer(
  call: (answer: (offer: string) => Promise<string>) => Promise<string | undefined>,
): Promise<string | undefined> {
  const peer = openEchoPeer();
  try {
    return await call((offer) => peer.answer(offer));
  } finally {
    await peer.close();
  }
}

function faultOf(echoed: readonly string[]): string | undefined {
  return echoed.join() === TEXTS.join() ? undefined : 'other messages came back';
}
