import { build } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../scripts/prepare.mjs';

/** Where the program believes to be: what it carries has names below it. */
export const PRETENDED_ROOT = '/turnpike';

const INSIDE = join(ROOT, 'packaging/binary/inside');
/** Modules of src/ that look for files beside them, and what takes their place. */
const REPLACED_SOURCES = new Map([
  [join(ROOT, 'src/own-files.ts'), join(INSIDE, 'own-files.ts')],
  [join(ROOT, 'src/sys/koffi.ts'), join(INSIDE, 'koffi.ts')],
]);
/** Scripts that look for files beside them; all others may believe to be anywhere. */
const LOOKING_AROUND =
  /\/(?:src|node_modules\/@fastify\/[^/]+|node_modules\/koffi)\/.*\.(?:c?js|ts)$/;
/** Words of a script that mean where it is. */
const OWN_PLACE = /\b(?:import\.meta\.url|__dirname|__filename)\b/g;

/**
 * Makes one CommonJS script of a module and everything that it imports.
 *
 * @returns the script, the files that it was made from, as paths from the root of the repository, and the modules that
 * it still requires.
 */
export async function bundle(entry) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(ROOT, entry)],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    // A single executable imports nothing; it requires what Node.js has built in.
    supported: { 'dynamic-import': false },
    define: {
      'import.meta.url': JSON.stringify(pathToFileURL(join(PRETENDED_ROOT, 'index.js')).href),
      __dirname: JSON.stringify(PRETENDED_ROOT),
      __filename: JSON.stringify(join(PRETENDED_ROOT, 'index.js')),
    },
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [replaceSources, replacePackages, settleOwnPlaces],
  });
  const [{ imports }] = Object.values(metafile.outputs);
  return {
    script: outputFiles[0].text,
    inputs: Object.keys(metafile.inputs),
    required: imports.filter(({ external }) => external).map(({ path }) => path),
  };
}

const replaceSources = {
  name: 'replace-sources',
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const replacement = REPLACED_SOURCES.get(join(resolveDir, path));
      return replacement && { path: replacement };
    });
  },
};

const replacePackages = {
  name: 'replace-packages',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^@fastify\/static$/ }, () => ({ path: join(INSIDE, 'static-files.ts') }));
    onResolve({ filter: /^node:fs\/promises$/ }, ({ importer }) =>
      importer.includes('/@fastify/swagger-ui/')
        ? { path: join(INSIDE, 'file-content.ts') }
        : undefined,
    );
    onResolve({ filter: /^@koromix\/koffi-/ }, ({ path }) => ({ path, namespace: 'native' }));
    onLoad({ filter: /.*/, namespace: 'native' }, () => ({
      contents: "module.exports = require('./native-library.ts').loadNativeLibrary();",
      resolveDir: INSIDE,
    }));
  },
};

const settleOwnPlaces = {
  name: 'settle-own-places',
  setup({ onLoad }) {
    onLoad({ filter: LOOKING_AROUND }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text.replaceAll(OWN_PLACE, (word) => JSON.stringify(placeOf(word, path)));
      return { contents, loader: extname(path) === '.ts' ? 'ts' : 'js' };
    });
  },
};

function placeOf(word, path) {
  const file = join(PRETENDED_ROOT, pathFromRoot(path));
  if (word === '__dirname') return join(file, '..');
  return word === '__filename' ? file : pathToFileURL(file).href;
}

/** As when it is built and installed: src/ is dist/, and node_modules, which may be a link, is beside it. */
function pathFromRoot(path) {
  const place = path.indexOf('/node_modules/');
  if (place !== -1) return path.slice(place + 1);
  return relative(ROOT, path).replace(/^src\//, 'dist/');
}
