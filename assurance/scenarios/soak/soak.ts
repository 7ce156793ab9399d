import { setTimeout as pause } from 'node:timers/promises';
import { residentBytes } from '../../../bench/measure/process-times.ts';
import { median, percentile } from '../../../bench/measure/statistics.ts';
import { openUdpEchoPeer } from '../../../test/support/echo-peer.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { withGateway } from '../../support/chaos/scene.ts';
import { Churn } from '../../support/churn.ts';
import { missingForFaults } from '../../support/fault-scene.ts';
import { Leftovers } from '../../support/leftovers.ts';
import type { LiveGateway } from '../../support/live-gateway.ts';

const SESSIONS_PER_SECOND = 40;
const SAMPLES = 40;
const MEGABYTES_PER_HOUR_MAX = 1;
/** By so much memory goes up and down without anything to it; an hour and more shows the slope. */
const NOISE_MEGABYTES = 8;
const MEGABYTE = 1024 * 1024;
const LOST_PERCENT_MAX = 0.05;
const DRIFT_PERCENT_MAX = 10;
/** By so much the time of a packet differs with what else the machine does. */
const NOISE_MS = 2;

interface Sample {
  readonly minute: number;
  readonly megabytes: number;
  readonly latencies: readonly number[];
}

/** Sessions that come and go at a steady rate, a minute for each unit of scale. */
export const soak: Scenario = {
  name: 'soak',
  promise: 'sessions that come and go for any time cost no memory, no latency and no error',
  missing: missingForFaults,
  run: (options) => withGateway((gateway) => run(gateway, options)),
};

async function run(gateway: LiveGateway, options: ScenarioOptions): Promise<readonly Finding[]> {
  const seconds = 60 * options.scale;
  const peer = await openUdpEchoPeer();
  try {
    const leftovers = await Leftovers.before(gateway);
    const churn = new Churn(gateway, peer);
    const running = churn.run(seconds, SESSIONS_PER_SECOND);
    const samples = await takeSamples(gateway, churn, seconds, options);
    await running;
    const { begun, failed, packets, echoed } = churn.counts;
    const lostPercent = (100 * (packets - echoed)) / packets;
    return [
      {
        what: `errors in ${options.scale} minutes at ${SESSIONS_PER_SECOND} sessions per second`,
        figure: [`${failed} of ${begun} sessions`, ...new Set(churn.errors)].join('; '),
        bound: '0',
        holds: failed === 0 && begun > 0,
      },
      {
        what: 'packets that did not come back',
        figure: `${lostPercent.toFixed(4)} % of ${packets}`,
        bound: `<= ${LOST_PERCENT_MAX} %: this process and the peer stand still at times`,
        holds: lostPercent <= LOST_PERCENT_MAX,
      },
      memoryFinding(samples),
      latencyFinding(samples),
      await leftovers.finding(),
    ];
  } finally {
    peer.close();
  }
}

async function takeSamples(
  { process }: LiveGateway,
  churn: Churn,
  seconds: number,
  { progress }: ScenarioOptions,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (let count = 1; count <= SAMPLES; count++) {
    await pause((seconds * 1000) / SAMPLES);
    const megabytes = residentBytes(process.child.pid) / MEGABYTE;
    const minute = (seconds * count) / SAMPLES / 60;
    samples.push({ minute, megabytes, latencies: churn.takeLatencies() });
    if (count % 4 === 0) {
      const p99 = percentile(samples.at(-1)!.latencies, 0.99);
      progress(`minute ${minute.toFixed(1)}: ${megabytes.toFixed(1)} MB, p99 ${p99.toFixed(2)} ms`);
    }
  }
  return samples;
}

/** The second quarter, when everything is warm, and the last. */
function quarters(samples: readonly Sample[]): [readonly Sample[], readonly Sample[]] {
  const quarter = samples.length / 4;
  return [samples.slice(quarter, 2 * quarter), samples.slice(3 * quarter)];
}

function memoryFinding(samples: readonly Sample[]): Finding {
  const [early, late] = quarters(samples).map((part) =>
    median(part.map(({ megabytes }) => megabytes)),
  ) as [number, number];
  const growth = late - early;
  const hours = samples.at(-1)!.minute / 60;
  const bound = Math.max(MEGABYTES_PER_HOUR_MAX * hours, NOISE_MEGABYTES);
  const slope = slopeOf(samples.slice(samples.length / 4)) * 60;
  return {
    what: 'growth of resident memory from the second quarter to the last',
    figure: `${growth.toFixed(2)} MB, from ${early.toFixed(1)} MB; slope ${slope.toFixed(1)} MB/h`,
    bound: `<= ${bound.toFixed(1)} MB, and <= ${MEGABYTES_PER_HOUR_MAX} MB/h over many hours`,
    holds: growth <= bound,
  };
}

/** Megabytes per minute, by least squares. */
function slopeOf(samples: readonly Sample[]): number {
  const minute = mean(samples.map((sample) => sample.minute));
  const megabytes = mean(samples.map((sample) => sample.megabytes));
  let [above, below] = [0, 0];
  for (const sample of samples) {
    above += (sample.minute - minute) * (sample.megabytes - megabytes);
    below += (sample.minute - minute) ** 2;
  }
  return above / below;
}

/** Of each sample the p99, of these the median: a moment in which the machine did something else is none of ours. */
function latencyFinding(samples: readonly Sample[]): Finding {
  const [early, late] = quarters(samples).map((part) =>
    median(part.map(({ latencies }) => percentile(latencies, 0.99))),
  ) as [number, number];
  const bound = early * (1 + DRIFT_PERCENT_MAX / 100) + NOISE_MS;
  return {
    what: 'p99 of the relay latency, the second quarter against the last',
    figure: `${early.toFixed(2)} ms and ${late.toFixed(2)} ms`,
    bound: `<= ${bound.toFixed(2)} ms: ${DRIFT_PERCENT_MAX} % and ${NOISE_MS} ms more`,
    holds: late <= bound,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
