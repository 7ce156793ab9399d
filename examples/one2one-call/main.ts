// `npm run call`: a video call of two browsers through the gateway, with everything that it takes.
import { CallExample } from './call-example.ts';
import { HELP, readOptions, type CallOptions } from './options.ts';

const USAGE_EXIT_CODE = 2;
const PLACES = {
  off: '',
  process: 'in the application server and in the gateway',
  nginx: 'at nginx',
  haproxy: 'at HAProxy',
} as const;

/** Who can reach the media server. */
const HEARS = {
  werift: 'it hears nobody but the gateway',
  janus: 'it also hears whoever else reaches this address',
} as const;

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(HELP);
  else await run(options);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
  process.exitCode = USAGE_EXIT_CODE;
}

async function run(wanted: CallOptions): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
  });
  try {
    const example = await CallExample.start(wanted);
    process.stdout.write(banner(wanted, example));
    try {
      await Promise.race([stopped, example.failure]);
    } finally {
      await example.stop();
    }
  } catch (error) {
    fail(error);
  }
}

function banner({ media, tls, certificateFiles, ports }: CallOptions, { url, place }: CallExample) {
  const turns = tls === 'off' ? '' : `, TLS on ${ports.turns}`;
  const { min, max } = place.ports;
  const isSelfSigned = tls !== 'off' && certificateFiles === undefined;
  return `
The one-to-one video call is running.

  application     ${url}   ${tls === 'off' ? 'plain HTTP' : `TLS ends ${PLACES[tls]}`}
  gateway         TURN over UDP and TCP on ${ports.turn}${turns}
  ICE API         http://127.0.0.1:${ports.ice}/ice
  media server    ${media} at ${place.address}, ports ${min}-${max}; the gateway relays nowhere else
                  ${HEARS[media]}

Open ${url} in two windows, register two names, and call one from the other.
${isSelfSigned ? 'Browsers warn of the certificate, which was made at start: let them go on.\n' : ''}Stop with Ctrl-C.

`;
}

function fail(error: unknown): void {
  process.stderr.write(`the example cannot run: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
