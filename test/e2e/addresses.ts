import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { ephemeralCredential } from '../support/credentials.ts';
import { openUdpEchoPeer } from '../support/echo-peer.ts';
import { freePorts } from '../support/free-ports.ts';
import {
  configurationFor,
  missingBuild,
  startReady,
  type GatewayProcess,
} from '../support/gateway-process.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { TurnClient } from '../support/turn-client.ts';

const NO_KOFFI = fileURLToPath(new URL('../support/no-koffi.cjs', import.meta.url));
const skip = missingBuild();

// RFC 8489 §6.3.1.2: the client's sockets are connected and hear nothing from another address than they asked.
for (const flags of [[], ['--portable']]) {
  const mode = flags.length === 0 ? 'reactor' : 'portable';
  const asked = mode === 'reactor' ? ['127.0.0.1', '127.0.0.9'] : ['127.0.0.1'];
  t.test(`${mode}: a wildcard listener answers from the address asked`, { skip }, async (t) => {
    const { port } = await openWildcard(t, flags);
    for (const host of asked) {
      for (const transport of ['udp', 'tcp'] as const)
        await relayOnce(t, { host, port }, transport);
    }
  });
}

t.test('without koffi the gateway runs in portable mode and says why', { skip }, async (t) => {
  const { port, gateway } = await openWildcard(t, [], { NODE_OPTIONS: `--require=${NO_KOFFI}` });
  await relayOnce(t, { host: '127.0.0.1', port }, 'udp');
  const line = gateway.child.lines.find((text) => text.includes('running in portable mode'));
  t.match(line, /koffi has no binary for this platform/);
});

async function openWildcard(
  t: Test,
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ port: number; gateway: GatewayProcess }> {
  const port = await freePorts(2);
  const configuration = configurationFor(LOOPBACK_SERVER, port, port + 1);
  const listeners = configuration.listeners.map(({ name, protocol, routes }) => {
    return { name, protocol, port, routes };
  });
  const gateway = await startReady({ ...configuration, listeners }, flags, environment);
  t.teardown(() => gateway.stop());
  return { port, gateway };
}

async function relayOnce(
  t: Test,
  server: { host: string; port: number },
  transport: 'udp' | 'tcp',
): Promise<void> {
  const peer = await openUdpEchoPeer();
  const client = await TurnClient.open({
    server,
    transport,
    credential: ephemeralCredential(LOOPBACK_SERVER.secret, 'alice'),
  });
  await client.allocate();
  await client.channelBind(0x4000, peer.address);
  client.sendOnChannel(0x4000, Buffer.from('there and back'));
  const { data } = await client.receive();
  t.equal(data.toString(), 'there and back', `${server.host} over ${transport}`);
  await client.close();
  peer.close();
}
