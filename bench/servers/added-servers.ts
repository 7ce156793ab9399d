import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { coturnAt } from './coturn.ts';
import { pionAt } from './pion.ts';
import type { MeasuredServer } from './server.ts';
import { stunnerAt } from './stunner.ts';

/** How to measure a program that somebody names, by kind. */
const FACTORIES: ReadonlyMap<string, (program: string) => MeasuredServer> = new Map([
  ['coturn', coturnAt],
  ['stunner', stunnerAt],
  ['pion', pionAt],
]);

/**
 * Makes servers of programs that are named as `KIND=PATH`, each called `KIND-VERSION`, or KIND where the program does
 * not tell its version. Throws an Error that says what is wrong with a specification.
 */
export function addedServers(specifications: readonly string[]): MeasuredServer[] {
  const servers = specifications.map(addedServer);
  const names = servers.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two added servers are called ${twice}`);
  return servers;
}

function addedServer(specification: string): MeasuredServer {
  const [kind = '', ...rest] = specification.split('=');
  const path = rest.join('=');
  const factory = FACTORIES.get(kind);
  if (factory === undefined || path === '') {
    const kinds = [...FACTORIES.keys()].join(', ');
    throw new Error(`"${specification}" is not KIND=PATH with one of the kinds ${kinds}`);
  }
  const server = factory(executable(path));
  const version = server.version();
  return { ...server, name: version === '' ? kind : `${kind}-${version}` };
}

function executable(path: string): string {
  const program = resolve(path);
  try {
    accessSync(program, constants.X_OK);
  } catch (cause) {
    throw new Error(`there is no program ${program}`, { cause });
  }
  if (!statSync(program).isFile()) throw new Error(`${program} is a folder and not a program`);
  return program;
}
