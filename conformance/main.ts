import { writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { readOptions, type Options } from './options.ts';
import { matrix, summary, sumsOf, type Column } from './report.ts';
import { runCases } from './run-cases.ts';
import { Session, type Setup } from './session.ts';
import { resolveTarget, type Target } from './target.ts';
import { chosenTopics, TOPICS } from './topics.ts';

/** Runs the suite against each URI; true when nothing fails. */
async function run(options: Options): Promise<boolean> {
  const topics = chosenTopics(TOPICS, options.only);
  const columns: Column[] = [];
  for (const uri of options.uris) {
    const target = await resolveTarget(uri);
    const setup = withPeers(options.setup, target);
    await expectServer(target, setup);
    columns.push({ target, results: await runCases(topics, target, setup, options.jobs) });
  }
  if (!options.isSummary) console.log(`${matrix(columns).join('\n')}\n`);
  console.log(summary(columns).join('\n'));
  if (options.json !== undefined) await writeJson(options.json, columns);
  return columns.every(({ results }) => sumsOf(results).failed === 0);
}

/** Where no peers are given, the address towards the server is one; on loopback that of the other family, too. */
function withPeers(setup: Setup, { localIp }: Target): Setup {
  if (setup.peers.length > 0) return setup;
  const isLoopback = localIp === '::1' || localIp.startsWith('127.');
  const others = isIPv6(localIp) ? ['127.0.0.1'] : ['::1'];
  return { ...setup, peers: [localIp, ...(isLoopback ? others : [])] };
}

/** Rejects when nobody is there: silence would look like good manners. */
async function expectServer(target: Target, setup: Setup): Promise<void> {
  const session = new Session(target, setup);
  try {
    await (await session.stranger()).binding();
  } catch (error) {
    throw new Error(`${target.uri} does not answer a Binding request`, { cause: error });
  } finally {
    await session.end();
  }
}

async function writeJson(file: string, columns: readonly Column[]): Promise<void> {
  const report = columns.map(({ target, results }) => ({ ...target, ...sumsOf(results), results }));
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

try {
  process.exitCode = (await run(readOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
