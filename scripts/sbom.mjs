// Prints the bill of materials of what is installed with the product, in CycloneDX. `npm sbom --omit dev` leaves out
// what both the product and its development need: here everything is listed, then what package-lock.json calls `dev` is
// taken out.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ARGS = 'sbom --sbom-format cyclonedx --sbom-type application --package-lock-only'.split(' ');

const OUTPUT_BYTES_MAX = 64 * 2 ** 20;

const { status, stdout, stderr } = spawnSync('npm', ARGS, {
  cwd: ROOT,
  encoding: 'utf8',
  maxBuffer: OUTPUT_BYTES_MAX,
});
if (status !== 0) {
  process.stderr.write(stderr);
  process.exit(1);
}
const all = JSON.parse(stdout);
const shipped = new Set(shippedPackages());
const components = all.components.filter((component) => shipped.has(component['bom-ref']));
const refs = new Set([all.metadata.component['bom-ref'], ...shipped]);
const dependencies = all.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
process.stdout.write(`${JSON.stringify({ ...all, components, dependencies }, undefined, 2)}\n`);

function shippedPackages() {
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`);
}
