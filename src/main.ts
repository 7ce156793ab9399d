#!/usr/bin/env node
import { dirname, join } from 'node:path';
import { loadForCommand, loadText, type LoadedConfig } from './cli/configuration.ts';
import { runCommandLine, type Runners } from './cli/program.ts';
import { echoBanner, startBanner } from './cli/start-banner.ts';
import { ICE_HOST_DEFAULT, ICE_PORT_DEFAULT } from './config/default-values.ts';
import { ECHO_ENDPOINT } from './config/defaults.ts';
import type { GatewayConfig, IceConfig } from './config/gateway-config.ts';
import { formatProblem } from './config/problems.ts';
import { errorText } from './errors.ts';
import type { Gateway } from './gateway.ts';
import type { Log } from './log.ts';
import { packageVersion } from './own-files.ts';
import type { RouteTable } from './route/route-table.ts';
import type { ConfigSource } from './service/reloader.ts';
import { iceGateway } from './service/ice-gateway.ts';
import type { ServiceManager } from './service/service-manager.ts';

const LAST_WORDS_MS = 1000;

// What runs is loaded when it is asked for: a command that only looks should not wait for it.
const runners: Runners = {
  start: async (loaded, { isPortable, file }) => {
    const log = await openLog(loaded);
    ignoreSignalsFor(log);
    const manager = await serviceManager(log);
    const source = configSource(loaded, file, log);
    const { Gateway } = await import('./gateway.ts');
    const gateway = await Gateway.start(source, { log, isPortable, version: packageVersion() });
    const services: Stoppable[] = [{ stop: () => gateway.drainAndStop() }];
    if (loaded.origin === 'embedded') {
      const { EchoBackend } = await import('./service/echo-backend.ts');
      services.push(
        await EchoBackend.start(ECHO_ENDPOINT).catch((error) => failAfterStop(gateway, error)),
      );
      process.stdout.write(startBanner(loaded.config, await startWebRtcEcho(services, log)));
    }
    obeySignals(gateway, services, log, manager);
    manager.serving(() => gateway.isAlive);
  },
  ice: async (loaded) => {
    const log = await openLog(loaded);
    ignoreSignalsFor(log);
    const manager = await serviceManager(log);
    const { StandaloneIce } = await import('./service/standalone-ice.ts');
    const service = await StandaloneIce.start(loaded.config, iceOrDefault(loaded.config), log);
    log.scope('gateway').info('the ICE API is ready');
    obeySignals(service, [service], log, manager);
    manager.serving(() => true);
  },
  echo: async (options) => {
    const { WebRtcEcho } = await import('./service/webrtc-echo/webrtc-echo.ts');
    const echo = await WebRtcEcho.start(options);
    process.stdout.write(echoBanner(options));
    process.on('unhandledRejection', (error) => {
      // Of one session; its library does not say which.
      process.stderr.write(`every session ends: ${errorText(error)}\n`);
      void echo.endAll();
    });
    const stop = (): void => void echo.stop();
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
    tellGateway();
  },
  inspect: { iceGateway, routeTable },
};

// Not awaited: the script of a single executable is CommonJS.
void run();

async function run(): Promise<void> {
  process.exitCode = await runCommandLine(process.argv.slice(2), packageVersion(), runners);
}

/** Lets the gateway know that has started this process, if one has, and ends with it. */
function tellGateway(): void {
  if (!process.connected) return;
  process.send?.('serving');
  process.once('disconnect', () => process.exit());
  process.channel?.unref();
}

async function routeTable(config: GatewayConfig): Promise<RouteTable> {
  const { resolveRouteTable } = await import('./service/cluster-names.ts');
  return resolveRouteTable(config);
}

/** Starts the WebRTC echo of the embedded configuration; returns why there is none, or nothing. */
async function startWebRtcEcho(services: Stoppable[], log: Log): Promise<string | undefined> {
  const { EchoProcess } = await import('./service/echo-process.ts');
  const echo = await EchoProcess.start(log);
  if (typeof echo === 'string') return echo;
  services.push(echo);
  return undefined;
}

interface Stoppable {
  stop(): Promise<void>;
}

interface Signalled {
  reload(trigger: string): Promise<void>;
  /** Takes no new work; undefined where there is nothing that goes on. */
  drain?(): void;
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
    parse: (text) => loadText(text, join(dirname(file ?? ''), 'candidate')),
  };
}

async function openLog({ config, warnings, origin }: LoadedConfig): Promise<Log> {
  const { Log } = await import('./log.ts');
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

/** Those that would end the process, or open the debugger of Node.js, while it is starting. */
function ignoreSignalsFor(log: Log): void {
  for (const early of ['SIGHUP', 'SIGUSR1'] as const) {
    process.on(early, () => log.scope('gateway').debug({ signal: early }, 'signal'));
  }
}

/** The first signal to stop does so in good order, a second one at once. */
function obeySignals(
  service: Signalled,
  services: readonly Stoppable[],
  log: Log,
  manager: ServiceManager,
): void {
  const logger = log.scope('gateway');
  let isStopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (isStopping) {
      logger.warn({ signal }, 'stopping at once: live allocations end');
      process.exit(1);
    }
    isStopping = true;
    logger.info({ signal }, 'stopping');
    manager.stopping();
    for (const one of services) await one.stop();
    manager.close();
    logger.info('stopped');
    // What somebody who does not read has left of the log keeps no process alive.
    setTimeout(() => process.exit(), LAST_WORDS_MS).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop(signal));
  process.on('SIGHUP', (signal) => void manager.reloading(() => service.reload(signal)));
  process.on('SIGUSR1', () => service.drain?.());
}

async function serviceManager(log: Log): Promise<ServiceManager> {
  const { ServiceManager } = await import('./service/service-manager.ts');
  return new ServiceManager(process.env, log);
}

function iceOrDefault({ ice }: GatewayConfig): IceConfig {
  const endpoint = { host: ICE_HOST_DEFAULT, port: ICE_PORT_DEFAULT, path: '/' };
  return ice ?? { endpoint, tls: undefined, apiKeys: [], cors: [], compat: [] };
}
