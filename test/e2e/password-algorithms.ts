import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { ephemeralCredential } from '../support/credentials.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { startServer } from '../support/server-under-test.ts';
import { addressFrom, TurnClient } from '../support/turn-client.ts';

const STATIC_USER = { username: 'carol', password: 'carols-password' };

// RFC 8489 §9.2: SHA-256 keys and integrity, and hashed names, over real sockets.
for (const mode of ['reactor', 'portable'] as const) {
  for (const transport of ['udp', 'tcp'] as const) {
    for (const user of ['static', 'ephemeral'] as const) {
      const name = `${mode}, ${transport}: a ${user} user relays with SHA-256`;
      await t.test(name, { skip: missingBuild() }, async (t) => {
        const isStatic = user === 'static';
        const server = await startServer({
          mode,
          ...(isStatic ? { staticUser: STATIC_USER } : {}),
        });
        t.teardown(() => server.stop());
        const peer = createSocket('udp4', (data, from) => peer.send(data, from.port, from.address));
        t.teardown(() => peer.close());
        peer.bind(0, '127.0.0.1');
        await once(peer, 'listening');

        const client = await TurnClient.open({
          server: { host: '127.0.0.1', port: server.port },
          transport,
          credential: isStatic ? STATIC_USER : ephemeralCredential(server.secret, 'dave'),
          algorithm: 'SHA-256',
          isUserAnonymous: isStatic,
        });
        t.teardown(() => client.close());
        await client.allocate();
        await client.channelBind(0x4000, addressFrom('127.0.0.1', peer.address().port));
        client.sendOnChannel(0x4000, Buffer.from('through the relay'));
        const { data } = await client.receive();
        t.equal(data.toString(), 'through the relay');
        await client.refresh(0);
      });
    }
  }
}
