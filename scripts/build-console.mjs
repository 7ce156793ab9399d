// A part of `npm run build`: checks the scripts of the console for the browser and puts its pages into dist/.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './prepare.mjs';

const SOURCE = join(ROOT, 'src/http/console/pages');
const TARGET = join(ROOT, 'dist/http/console/pages');
/** What browsers take as it is. */
const AS_IT_IS = /\.(?:css|html|svg)$/;
const FORMAT = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => ROOT,
  getNewLine: () => '\n',
};

mkdirSync(TARGET, { recursive: true });
process.exitCode = compile() ? 0 : 1;
for (const name of readdirSync(SOURCE)) {
  if (AS_IT_IS.test(name)) copyFileSync(join(SOURCE, name), join(TARGET, name));
}

/** Compiles the scripts, not the types of the gateway that they borrow; false and a report when it has errors. */
function compile() {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: report };
  const overrides = {
    noEmit: false,
    outDir: join(ROOT, 'dist'),
    declaration: false,
    sourceMap: false,
    removeComments: true,
  };
  const configFile = join(SOURCE, 'tsconfig.json');
  const parsed = ts.getParsedCommandLineOfConfigFile(configFile, overrides, host);
  const { fileNames, options, errors } = parsed;
  const program = ts.createProgram(fileNames, options);
  const problems = [...errors, ...ts.getPreEmitDiagnostics(program)];
  for (const problem of problems) report(problem);
  if (problems.length > 0) return false;
  for (const name of fileNames) program.emit(program.getSourceFile(name));
  return true;
}

function report(diagnostic) {
  process.stderr.write(ts.formatDiagnostic(diagnostic, FORMAT));
}
