#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import type { LoadedConfig } from './cli/configuration.ts';
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
import { iceGateway } from './service/ice-service.ts';
import { StandaloneIce } from './service/standalone-ice.ts';

const runners: Runners = {
  start: async (loaded, { isPortable }) => {
    const log = openLog(loaded);
    const gateway = await Gateway.start(loaded.config, { log, isPortable });
    const services: Stoppable[] = [gateway];
    if (loaded.origin === 'embedded') {
      services.push(
        await EchoBackend.start(ECHO_ENDPOINT).catch((error) => failAfterStop(gateway, error)),
      );
      process.stdout.write(startBanner(loaded.config));
    }
    obeySignals(gateway, services, log);
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
  reloadCertificates(): Promise<void>;
}

function openLog({ config, warnings, origin }: LoadedConfig): Log {
  const format = origin === 'embedded' ? 'text' : config.admin.logFormat;
  const log = new Log({ format, levels: config.admin.logLevels });
  for (const warning of warnings) log.scope('config').warn(formatProblem(warning));
  return log;
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
    await Promise.all(services.map((one) => one.stop()));
    logger.info('stopped');
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop(signal));
  process.on('SIGHUP', (signal) => {
    logger.info({ signal }, 'reading certificates again; for other changes restart instead');
    void service.reloadCertificates();
  });
  process.on('SIGUSR1', (signal) => {
    logger.warn({ signal }, 'drain is not available yet; restart instead');
  });
}

function iceOrDefault({ ice }: GatewayConfig): IceConfig {
  const endpoint = { host: ICE_HOST_DEFAULT, port: ICE_PORT_DEFAULT, path: '/' };
  return ice ?? { endpoint, tls: undefined, apiKeys: [], cors: [] };
}

function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
