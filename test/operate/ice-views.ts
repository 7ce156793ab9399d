import t from 'tap';
import { COMPATIBLE_SERVICES } from '../../src/config/compatible-services.ts';
import { type ViewRequest, viewRequests } from '../http/fixtures/view-requests.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { OperatedGateway } from '../support/operated-gateway.ts';
import { TurnClient } from '../support/turn-client.ts';

const API_KEY = 'a-key-for-tests-only';
const skip = missingBuild();

t.test('a credential in the form of each service relays, after a reload', { skip }, async (t) => {
  const gateway = await OperatedGateway.start(t, { ice: { api_keys: [API_KEY] } });
  for (const request of viewRequests()) {
    t.equal((await ask(gateway, request)).status, 404, `${request.name} before`);
  }
  await gateway.write(gateway.text({ ice: { api_keys: [API_KEY], compat: COMPATIBLE_SERVICES } }));
  t.match(await gateway.reload(), { body: { outcome: /^(applied|unchanged)$/ } });
  for (const request of viewRequests()) {
    const { status, text } = await ask(gateway, request);
    t.equal(status, request.statusCode, request.name);
    const [, username = ''] = /"username":"([^"]+)"/.exec(text) ?? [];
    const [, password = ''] = /"(?:password|credential)":"([^"]+)"/.exec(text) ?? [];
    const client = await TurnClient.open({
      server: gateway.server,
      transport: 'udp',
      credential: { username, password },
    });
    t.teardown(() => client.close());
    const { relayed } = await client.allocate();
    t.equal(relayed.length, 1, `${request.name}: allocated`);
  }
});

async function ask(
  { ports }: OperatedGateway,
  { service, inject }: ViewRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  const basic = Buffer.from(`user:${API_KEY}`).toString('base64');
  const isBasic = service === 'twilio' || service === 'xirsys';
  const url = `http://127.0.0.1:${ports.ice}${inject.url as string}?apiKey=${API_KEY}`;
  const response = await fetch(url, {
    method: inject.method ?? 'GET',
    headers: {
      ...(inject.headers as Record<string, string>),
      authorization: isBasic ? `Basic ${basic}` : `Bearer ${API_KEY}`,
    },
    ...(inject.payload !== undefined && { body: inject.payload as string }),
  });
  return { status: response.status, text: await response.text() };
}
