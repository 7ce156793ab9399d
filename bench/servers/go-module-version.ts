import { readFileSync } from 'node:fs';

/**
 * Reads from a program that Go built which release of a module its main package is of, such as `1.2.1`; empty when it
 * was built of anything else than a release or a commit that Go knew.
 *
 * The text is the build information that `go version -m` shows, which every such program carries.
 *
 * @param module - path of the module without its major version.
 */
export function goModuleVersion(program: string, module: string): string {
  const text = readFileSync(program, 'latin1');
  const start = `\nmod\t${module}`;
  for (let at = text.indexOf(start); at !== -1; at = text.indexOf(start, at + 1)) {
    const version = /^(?:\/v\d+)?\tv(\S+)/.exec(
      text.slice(at + start.length, at + start.length + 100),
    );
    if (version !== null) return version[1]!;
  }
  return '';
}
