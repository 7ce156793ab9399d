import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/prepare.mjs';

const PACKAGE_NAME = /node_modules\/(?:@[^/]+\/)?[^/]+/g;
const LICENSE_FILE = /^(?:licen[cs]e|copying)/i;

/**
 * The licenses of everything that is in the executable: ours, that of Node.js and of what it is made from, and those of
 * the packages that a script was bundled from.
 *
 * @param inputs - files of the bundles, as paths from the root of the repository.
 */
export function notices(nodeLicense, inputs) {
  const packages = packageFolders(inputs).map((folder) => noticeOf(folder));
  const own = readFileSync(join(ROOT, 'LICENSE'), 'utf8');
  return [['Turnpike', own], ['Node.js', nodeLicense], ...packages]
    .map(([title, text]) => `${title}\n${'='.repeat(title.length)}\n\n${text.trim()}\n`)
    .join('\n\n');
}

function packageFolders(inputs) {
  const folders = new Set(inputs.map(packageFolder));
  folders.delete(undefined);
  return [...folders].toSorted((a, b) => a.localeCompare(b));
}

/** The innermost package that a file belongs to; undefined when it is ours. */
function packageFolder(input) {
  return [...input.matchAll(PACKAGE_NAME)]
    .map(({ 0: name, index }) => join(ROOT, input.slice(0, index + name.length)))
    .findLast((folder) => existsSync(join(folder, 'package.json')));
}

function noticeOf(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { name, version, license = 'see its author', author } = manifest;
  const file = existsSync(folder) && readdirSync(folder).find((each) => LICENSE_FILE.test(each));
  const text = file
    ? readFileSync(join(folder, file), 'utf8')
    : `License: ${license}\n${authorText(author)}`;
  return [`${name} ${version}`, text];
}

function authorText(author) {
  if (author === undefined) return '';
  return `Copyright: ${typeof author === 'string' ? author : author.name}`;
}
