import { spawnSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { METRICS } from '../../src/metrics/names.ts';
import { missingTool } from '../support/child-process.ts';
import { ephemeralCredential } from '../support/credentials.ts';
import { openUdpEchoPeer } from '../support/echo-peer.ts';
import { Exposition } from '../support/exposition.ts';
import { freePorts } from '../support/free-ports.ts';
import { missingBuild } from '../support/gateway-process.ts';
import { readDashboard } from '../support/grafana-dashboard.ts';
import { poll } from '../support/poll.ts';
import { missingPrometheus, Prometheus, type QueriedSeries } from '../support/prometheus.ts';
import {
  startSecureGateway,
  TestPki,
  tlsKeys,
  type SecureGateway,
} from '../support/secure-gateway.ts';
import { IS_COTURN_UNDER_TEST } from '../support/server-under-test.ts';
import { addressFrom, TurnClient } from '../support/turn-client.ts';

const skip = missingBuild() || (IS_COTURN_UNDER_TEST && 'coturn has metrics of its own');
const CHANNEL = 0x4000;
const USER = 'somebody-with-a-name';
const DATA = Buffer.from('0123456789');

for (const mode of ['reactor', 'portable'] as const) {
  if (mode === 'reactor' && process.platform !== 'linux') continue;
  t.test(`what is told of calls, ${mode}`, { skip }, async (t) => {
    const scene = await openScene(t, mode);
    const before = await scene.scrape();
    t.strictSame([...before.metrics.keys()], Object.keys(METRICS), 'every metric is there');
    t.equal(before.value('turnpike_ready'), 1);
    t.equal(before.value('stunner_allocations_active'), 0);
    t.equal(before.value('turnpike_allocations_created_total'), 0);

    const { clients, echoed } = await scene.makeCalls(t);
    const during = await poll(
      () => scene.scrape(),
      (told) => told.value('stunner_cluster_packets_total', cluster('rx')) === echoed,
    );
    t.equal(during.value('stunner_allocations_active'), clients.length, 'live calls are counted');
    t.equal(during.value('stunner_cluster_packets_total', cluster('tx')), echoed);
    t.equal(during.value('stunner_cluster_bytes_total', cluster('rx')), echoed * DATA.length);
    t.equal(during.value('stunner_listener_connections', { name: 'tcp' }), 1);
    t.equal(during.value('stunner_listener_connections_total', { name: 'tcp' }), 1);
    t.ok(during.value('stunner_listener_connections', { name: 'udp' })! >= 1, 'sockets');
    for (const name of ['udp', 'tcp']) {
      for (const direction of ['rx', 'tx']) {
        const packets = during.value('stunner_listener_packets_total', { name, direction })!;
        t.ok(packets >= 3, `${name} ${direction}: ${packets} packets`);
        const bytes = during.value('stunner_listener_bytes_total', { name, direction })!;
        t.ok(bytes > packets * DATA.length, `${name} ${direction}: ${bytes} bytes`);
      }
    }
    t.ok(during.value('turnpike_relay_ports_used', { family: 'ipv4' })! >= clients.length);
    t.ok(during.value('turnpike_turn_errors_total', { method: 'allocate', code: '401' })! >= 3);

    await scene.doWrong(t);
    for (const { client } of clients) await client.refresh(0);
    const after = await poll(
      () => scene.scrape(),
      (told) => told.value('stunner_allocations_active') === 0,
    );
    const value = (name: string, labels?: Record<string, string>) =>
      after.value(`turnpike_${name}`, labels);
    t.equal(value('authentication_failures_total', { reason: 'badIntegrity' }), 1);
    t.equal(value('permission_denials_total', { name: 'udp', reason: 'noRoute' }), 1);
    t.equal(value('allocations_created_total'), clients.length + 1);
    t.equal(value('allocations_ended_total', { reason: 'refreshedToZero' }), clients.length + 1);
    t.equal(value('allocation_duration_seconds_count'), clients.length + 1);
    t.equal(value('allocation_bytes_sum'), 2 * echoed * DATA.length, 'both ways');
    t.equal(value('ice_answers_total', { code: '200' }), 1);
    const expiry = value('certificate_expiry_timestamp_seconds', { use: 'listeners.tls' })!;
    t.ok(expiry > Date.now() / 1000, 'of the listener that has a certificate');
    for (const secret of [scene.gateway.secret, USER, '127.0.0.1', '192.0.2.1']) {
      t.notMatch(after.text, secret, `${secret} is told nowhere`);
    }
    const check = spawnSync('promtool', ['check', 'metrics'], {
      input: after.text,
      encoding: 'utf8',
    });
    if (missingTool('promtool') === false) t.equal(check.stdout + check.stderr, '', 'promtool');
  });
}

t.test(
  'Prometheus, its rules and the dashboard',
  { skip: skip || missingPrometheus() },
  async (t) => {
    const scene = await openScene(t, process.platform === 'linux' ? 'reactor' : 'portable');
    const prometheus = await Prometheus.start(t, scene.metrics);
    await poll(
      () => prometheus.query('up'),
      (series) => series?.[0]?.value === 1,
    );
    const target = await prometheus.target();
    t.strictSame([target?.health, target?.lastError], ['up', ''], 'every line was understood');

    const { clients } = await scene.makeCalls(t);
    await scene.doWrong(t);
    await clients[0]!.client.refresh(0);

    for (const { panel, expr } of readDashboard()) {
      await t.resolves(
        poll(() => prometheus.query(expr), hasData),
        `${panel}: ${expr}`,
      );
    }
    for (const { expr, isExpected } of [
      {
        expr: 'stunner_listener_packets_total{direction="rx"}',
        isExpected: (series: readonly QueriedSeries[]) =>
          ['udp', 'tcp', 'tls'].every((name) =>
            series.some(({ labels }) => labels['name'] === name),
          ) && series.filter(({ value }) => value > 0).length === 2,
      },
      {
        expr: 'stunner_allocations_active',
        isExpected: (series: readonly QueriedSeries[]) =>
          series.length === 1 && series[0]!.value === clients.length - 1,
      },
    ]) {
      const series = await poll(
        () => prometheus.query(expr),
        (found) => isExpected(found ?? []),
      );
      t.ok(series, `STUNner asks ${expr}`);
    }

    const rules = await poll(
      () => prometheus.rules(),
      (found) => (found ?? []).length > 0 && found!.every(({ health }) => health !== 'unknown'),
    );
    t.strictSame(
      rules!.filter(({ health, state }) => health !== 'ok' || state !== 'inactive'),
      [],
      'every alert can be judged, and nothing is wrong',
    );
    await scene.gateway.process.child.stop();
    await poll(
      () => prometheus.rules(),
      (found) => found?.find(({ name }) => name === 'TurnpikeDown')?.state === 'pending',
    );
    t.pass('a gateway that is gone is noticed');
  },
);

/** A query of a panel shows something: a line with a number. */
function hasData(series: readonly QueriedSeries[] | undefined): boolean {
  return series !== undefined && series.some(({ value }) => Number.isFinite(value));
}

const cluster = (direction: string) => ({ name: 'peers', direction });

interface Call {
  readonly client: TurnClient;
}

/** A gateway with metrics. */
interface Scene {
  readonly gateway: SecureGateway;
  /** Host and port of its metrics. */
  readonly metrics: string;
  scrape(): Promise<Exposition>;
  /** Opens calls that stay, over UDP and TCP, each of which echoes data; and asks the ICE API. */
  makeCalls(t: Test): Promise<{ clients: Call[]; echoed: number }>;
  /** Shows a wrong password, and asks for a peer without a route. */
  doWrong(t: Test): Promise<void>;
}

async function openScene(t: Test, mode: 'reactor' | 'portable'): Promise<Scene> {
  const pki = await TestPki.create(t);
  const first = await freePorts(2);
  const metrics = `127.0.0.1:${first}`;
  const icePort = first + 1;
  const gateway = await startSecureGateway(t, {
    mode,
    workers: mode === 'reactor' ? 2 : 1,
    listeners: {
      udp: { protocol: 'TURN-UDP' },
      tcp: { protocol: 'TURN-TCP' },
      tls: { protocol: 'TURN-TLS', tls: tlsKeys(await pki.server()) },
    },
    changes: {
      admin: {
        name: 'under-test',
        log_format: 'json',
        metrics_endpoint: `http://${metrics}`,
        healthcheck_endpoint: '',
        api_endpoint: '',
      },
      ice: { endpoint: `http://127.0.0.1:${icePort}` },
    },
  });
  const connect = async (
    t: Test,
    transport: 'udp' | 'tcp',
    secret: string,
  ): Promise<TurnClient> => {
    const credential = ephemeralCredential(secret, USER);
    const client = await TurnClient.open({
      server: gateway.server(transport),
      transport,
      credential,
    });
    t.teardown(() => client.close());
    return client;
  };
  return {
    gateway,
    metrics,
    async scrape() {
      const response = await fetch(`http://${metrics}/metrics`);
      return new Exposition(await response.text());
    },
    async makeCalls(t) {
      const peer = await openUdpEchoPeer();
      t.teardown(() => peer.close());
      const clients: Call[] = [];
      let echoed = 0;
      for (const transport of ['udp', 'udp', 'tcp'] as const) {
        const client = await connect(t, transport, gateway.secret);
        await client.allocate();
        await client.channelBind(CHANNEL, peer.address);
        for (; echoed % 5 !== 4; echoed++) {
          client.sendOnChannel(CHANNEL, DATA);
          await client.receive();
        }
        client.send(peer.address, DATA);
        await client.receive();
        echoed++;
        clients.push({ client });
      }
      await fetch(`http://127.0.0.1:${icePort}/ice?service=turn`);
      return { clients, echoed };
    },
    async doWrong(t) {
      const stranger = await connect(t, 'udp', 'another-secret');
      await t.rejects(stranger.allocate(), { code: 401 });
      const client = await connect(t, 'udp', gateway.secret);
      await client.allocate();
      await t.rejects(client.createPermission(addressFrom('192.0.2.1', 9)), { code: 403 });
      await client.refresh(0);
    },
  };
}
