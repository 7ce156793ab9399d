import t from 'tap';
import { ephemeralCredential } from '../support/credentials.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { LOOPBACK_SERVER } from '../support/server-under-test.ts';
import { openStunServer, tells } from '../support/stun-server.ts';
import { TurnClient } from '../support/turn-client.ts';

t.test('clients are told the address that was discovered', { skip: missingBuild() }, async (t) => {
  const stun = await openStunServer(t, tells('203.0.113.50'));
  const relay = {
    addresses: [{ bind: '127.0.0.1', advertise: 'discover' }],
    stun_servers: [stun.name],
  };
  const gateway = await OperatedGateway.start(t, { relay });
  const allocate = async (user: string): Promise<string | undefined> => {
    const credential = ephemeralCredential(LOOPBACK_SERVER.secret, user);
    const client = await TurnClient.open({ server: gateway.server, credential });
    t.teardown(() => client.close());
    return (await client.allocate()).relayed[0]?.ip();
  };
  t.equal(await allocate('alice'), '203.0.113.50');

  const addresses = [{ bind: '127.0.0.1', advertise: '198.51.100.7' }];
  await gateway.write(gateway.text({ relay: { addresses } }));
  t.equal((await gateway.reload()).status, 200);
  t.equal(await allocate('bob'), '198.51.100.7', 'one that is written down');

  stun.behaviour = tells('203.0.113.51');
  await gateway.write(gateway.text({ relay }));
  t.equal((await gateway.reload()).status, 200);
  t.equal(await allocate('carol'), '203.0.113.51', 'asked anew when it is to be discovered again');
  t.equal((await gateway.status()).allocations.active, 3, 'live allocations go on');
});
