import { builtinModules } from 'node:module';
import { importsOf, type SourceText } from './source-text.ts';

/** The parts of package.json that the rules read. */
export interface PackageManifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  /** Optional ones, which operators install when they want what needs them. */
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const PRIVATE_TEXT: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: 'a package registry',
    // Put together here, so that this file does not name one itself.
    pattern: new RegExp(
      `(?:${['npm', 'js'].join('')}|${['yarn', 'pkg'].join('')})[.](?:org|com)`,
      'i',
    ),
  },
  { what: 'a path of one machine', pattern: /(?<![\w.~-])\/(?:work|root|home\/\w+|Users\/\w+)\// },
];

/** Names every line that speaks of a package registry or of a path that exists on one machine only. */
export function privateTextProblems({ text }: SourceText): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      PRIVATE_TEXT.filter(({ pattern }) => pattern.test(line)).map(
        ({ what }) => `line ${index + 1} names ${what}`,
      ),
    );
}

/** Names every dependency that src/ does not use, and every package used without being declared. */
export function dependencyProblems(
  manifest: PackageManifest,
  sources: readonly SourceText[],
): string[] {
  const { dependencies, peerDependencies } = manifest;
  const runtime = Object.keys({ ...dependencies, ...peerDependencies });
  const everywhere = new Set([...runtime, ...Object.keys(manifest.devDependencies)]);
  const used = new Set(sources.filter(isProduct).flatMap(packagesOf));
  const undeclared = sources.flatMap((source) =>
    packagesOf(source)
      .filter((name) => !(isProduct(source) ? runtime.includes(name) : everywhere.has(name)))
      .map((name) => `${source.path} imports ${name}, which package.json does not declare`),
  );
  const unused = runtime.filter((name) => !used.has(name));
  return [...undeclared, ...unused.map((name) => `no source uses the dependency ${name}`)];
}

/** Names every error code without a `### CODE` section in the document, and every such section without a code. */
export function errorCodeProblems(codes: readonly string[], document: string): string[] {
  const described = [...document.matchAll(/^### `?(GW_ERR_\w+)`?$/gm)].map(
    ([, code]) => code ?? '',
  );
  return [
    ...codes.filter((code) => !described.includes(code)).map((code) => `${code} is not described`),
    ...described.filter((code) => !codes.includes(code)).map((code) => `${code} does not exist`),
    ...described
      .filter((code, index) => described.indexOf(code) !== index)
      .map((code) => `${code} is described twice`),
  ];
}

/** Names every error code that no source of src/ but `errors.ts` mentions. */
export function unusedErrorCodeProblems(
  codes: readonly string[],
  sources: readonly SourceText[],
): string[] {
  const users = sources.filter((source) => isProduct(source) && source.path !== 'src/errors.ts');
  return codes
    .filter((code) => !users.some(({ text }) => text.includes(`'${code}'`)))
    .map((code) => `${code} is never used`);
}

function isProduct({ path }: SourceText): boolean {
  return path.startsWith('src/');
}

function packagesOf(source: SourceText): string[] {
  return importsOf(source)
    .filter((specifier) => !/^(?:\.|\/|node:|file:)/.test(specifier))
    .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier)
    .filter((name) => !builtinModules.includes(name));
}
