import { CREDENTIAL, SERVER_PORTS } from '../settings.ts';
import { goModuleVersion } from './go-module-version.ts';
import type { MeasuredServer } from './server.ts';

const MODULE = 'github.com/pion/turn';

/**
 * The example server `simple-multithreaded` of pion/turn, the Go library that STUNner and others are made of.
 *
 * It has UDP only, listens on every address and takes relay ports from the kernel's range: it has no options for these.
 * A relay thread is a socket with a goroutine that reads from it; so is every allocation. How many of them run at a
 * time is for Go's scheduler, which takes one for each processor that the process is kept on.
 *
 * @param program - path of the example.
 */
export function pionAt(program: string): MeasuredServer {
  const { realm, username, password } = CREDENTIAL;
  return {
    name: 'pion',
    framing: 'channelData',
    transports: ['udp'],
    features: ['allocations', 'indications', 'workers'],
    absence: () => undefined,
    version: () => goModuleVersion(program, MODULE),
    prepare: ({ addresses, workers }) => ({
      file: program,
      args: [
        `-public-ip=${addresses.server}`,
        `-port=${SERVER_PORTS.udp}`,
        `-realm=${realm}`,
        `-users=${username}=${password}`,
        `-thread-num=${workers}`,
      ],
    }),
  };
}
