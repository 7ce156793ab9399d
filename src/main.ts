#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { loadForCommand, type LoadedConfig } from './cli/configuration.ts';
import { runCommandLine, type Runners } from './cli/program.ts';
import { startBanner } from './cli/start-banner.ts';
import { ICE_HOST_DEFAULT, ICE_PORT_DEFAULT } from './config/default-values.ts';
import { ECHO_ENDPOINT } from './config/defaults.ts';
import type { GatewayConfig, IceConfig } from './config/gateway-config.ts';
import { formatProblem } from './config/problems.ts';
import { Gateway } from './gateway.ts';
import { Log } from './log.ts';
import { resolveRouteTable } from './service/cluster-names.ts';
import { EchoBackend } from './service/echo-backend.ts';
import type { ConfigSource } from './service/config-source.ts';
import { iceGateway } from './service/ice-service.ts';
import { StandaloneIce } from './service/standalone-ice.ts';

const runners: Runners = {
  start: async (loaded, { isPortable, file }) => {
    const log = openLog(loaded);
    const source = configSource(loaded, file, log);
    const gateway = await Gateway.start(source, { log, isPortable, version: packageVersion() });
    const services: Stoppable[] = [{ stop: () => gateway.drainAndStop() }];
    if (loaded.origin === 'embedded') {
      services.push(
        await EchoBackend.start(ECHO_ENDPOINT).catch((error) => failAfterStop(gateway, error)),
      );
      process.stdout.write(startBanner(loaded.config));
    }
    obeySignals(gateway, services, log);
    process.on('SIGUSR1', () => gateway.drain());
  },
  ice: async (loaded) => {
    const log = openLog(loaded);
    const service = await StandaloneIce.start(loaded.config, iceOrDefault(loaded.config), log);
    log.scope('gateway').info('the ICE API is ready');
    obeySignals(service, [service], log);
  },
  inspect: { iceGateway, routeTable: resolveRouteTable },
};

process.exitCode = await runCommandLine(process.argv.slice(2), packageVersion(), runners);

interface Stoppable {
  stop(): Promise<void>;
}

interface Reloadable {
  reload(trigger: string): Promise<void>;
}

/** The configuration that has been read at first, then again from its file whenever it is asked for. */
function configSource(loaded: LoadedConfig, file: string | undefined, log: Log): ConfigSource {
  let first: LoadedConfig | undefined = loaded;
  return {
    load: () => {
      const current = first ?? (file === undefined ? loaded : loadForCommand({ file }));
      if (first === undefined) reportWarnings(current, log);
      first = undefined;
      return current;
    },
  };
}

function openLog({ config, warnings, origin }: LoadedConfig): Log {
  const format = origin === 'embedded' ? 'text' : config.admin.logFormat;
  const log = new Log({ format, levels: config.admin.logLevels });
  reportWarnings({ warnings }, log);
  return log;
}

function reportWarnings({ warnings }: Pick<LoadedConfig, 'warnings'>, log: Log): void {
  for (const warning of warnings) log.scope('config').warn(formatProblem(warning));
}

async function failAfterStop(gateway: Gateway, error: unknown): Promise<never> {
  await gateway.stop();
  throw error;
}

/** The first signal to stop does so in good order, a second one at once. */
function obeySignals(service: Reloadable, services: readonly Stoppable[], log: Log): void {
  const logger = log.scope('gateway');
  let isStopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (isStopping) process.exit(1);
    isStopping = true;
    logger.info({ signal }, 'stopping');
    for (const one of services) await one.stop();
    logger.info('stopped');
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop(signal));
  process.on('SIGHUP', (signal) => void service.reload(signal));
}

function iceOrDefault({ ice }: GatewayConfig): IceConfig {
  const endpoint = { host: ICE_HOST_DEFAULT, port: ICE_PORT_DEFAULT, path: '/' };
  return ice ?? { endpoint, tls: undefined, apiKeys: [], cors: [] };
}

function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
