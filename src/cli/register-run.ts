import type { Command } from 'commander';
import { parseIp } from '../config/addresses.ts';
import { ECHO_ENDPOINT_DEFAULT, ECHO_PORT_DEFAULT } from '../config/default-values.ts';
import { WEBRTC_ECHO } from '../config/defaults.ts';
import type { EchoOptions } from '../config/echo-options.ts';
import { parseHttpEndpoint } from '../config/http-endpoints.ts';
import { GatewayError } from '../errors.ts';
import { loadForCommand, type LoadedConfig } from './configuration.ts';
import { examples, fileOption } from './program-options.ts';

/** How the gateway is run. */
export interface StartOptions {
  readonly isPortable: boolean;
  /** Configuration file, to be read again; undefined: there is none. */
  readonly file: string | undefined;
}

/** What runs until it is told to stop. */
export interface ServiceRunners {
  /** Runs the gateway. */
  readonly start: (loaded: LoadedConfig, options: StartOptions) => Promise<void>;
  /** Runs a WebRTC echo. */
  readonly echo: (options: EchoOptions) => Promise<void>;
  /** Runs the ICE API alone. */
  readonly ice: (loaded: LoadedConfig) => Promise<void>;
}

/** Adds the commands that run something until they are told to stop. */
export function registerRunCommands(program: Command, runners: ServiceRunners): void {
  program
    .command('start')
    .description('run the gateway; without a file or URI, one on loopback to try it')
    .argument(
      '[uri]',
      'one-line open gateway for demos: turn://user:password@ip:port?transport=udp',
    )
    .addOption(fileOption())
    .option('--portable', 'use the portable data plane even where the faster one works')
    .addHelpText(
      'after',
      examples(
        'turnpike start -c /etc/turnpike/turnpike.yaml',
        'turnpike start turn://user:pass@192.0.2.1:3478',
      ),
    )
    .action((uri: string | undefined, options: { config?: string; portable?: boolean }) =>
      runners.start(loadForCommand({ file: options.config, uri }), {
        isPortable: options.portable ?? false,
        file: options.config,
      }),
    );
  program
    .command('ice')
    .description('run the ICE API alone, for app servers that keep it apart from the media path')
    .addOption(fileOption())
    .addHelpText('after', examples('turnpike ice -c turnpike.yaml'))
    .action((options: { config?: string }) =>
      runners.ice(loadForCommand({ file: options.config })),
    );
  registerEcho(program, runners);
}

function registerEcho(program: Command, runners: ServiceRunners): void {
  const { ip, minPort, maxPort } = WEBRTC_ECHO.address;
  program
    .command('echo')
    .description('run a WebRTC backend that returns what it gets, to test the way to it')
    .option('--listen <url>', 'where it takes offers (WHIP)', ECHO_ENDPOINT_DEFAULT)
    .option('--address <ip>', 'address of this machine where it receives', ip)
    .option('--ports <range>', 'UDP ports, one for each connection', `${minPort}-${maxPort}`)
    .addHelpText(
      'after',
      examples(
        'turnpike echo',
        'turnpike echo --listen http://10.0.0.7:8089/whip --address 10.0.0.7 --ports 3500-3600',
      ),
    )
    .action((options: EchoFlags) => runners.echo(readEchoOptions(options)));
}

interface EchoFlags {
  readonly listen: string;
  readonly address: string;
  readonly ports: string;
}

function readEchoOptions({ listen, address, ports }: EchoFlags): EchoOptions {
  const endpoint = parseHttpEndpoint(listen, ECHO_PORT_DEFAULT);
  if (typeof endpoint === 'string') throw usage(`--listen ${endpoint}`);
  const ip = parseIp(address);
  if (ip === undefined) throw usage('--address must be an IP address');
  const [, min, max] = /^(\d{1,5})-(\d{1,5})$/.exec(ports) ?? [];
  const minPort = Number(min);
  const maxPort = Number(max);
  if (!(minPort >= 1 && minPort < maxPort && maxPort <= 65_535)) {
    throw usage('--ports must be a range of two ports or more, such as 3500-3519');
  }
  return { endpoint, address: { ip, minPort, maxPort } };
}

function usage(detail: string): GatewayError {
  return new GatewayError('GW_ERR_USAGE', detail);
}
