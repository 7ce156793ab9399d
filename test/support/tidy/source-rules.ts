import { basename } from 'node:path/posix';
import ts from 'typescript';
import { isPure } from './import-rules.ts';
import { endLineOf, lineOf, parseSource, visit, type SourceText } from './source-text.ts';

const LINES_PER_FILE_MAX = 400;
const COLUMNS_MAX = 120;
const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/;
const C_CONSTANT = /^[A-Z][A-Z0-9]*(_\w+)?$/;
const LEFTOVER = /\b(?:TO|FIX)(?:DO|ME)\b/;

/** Files that may be longer, each with its reason. */
const LONG_FILES: ReadonlyMap<string, string> = new Map([]);

const IMPURE_GLOBALS = new Set([
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
  'process',
  'console',
  'queueMicrotask',
  'globalThis',
]);

/** Names what is untidy in the form of a script: its name, leftovers and, outside of tests, length and columns. */
export function formProblems({ path, text }: SourceText): string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  const problems = lines.flatMap((line, index) =>
    LEFTOVER.test(line) ? [`line ${index + 1} leaves something to be done`] : [],
  );
  if (!FILE_NAME.test(basename(path))) problems.push('has a name that is not kebab-case');
  return path.startsWith('test/') ? problems : [...problems, ...sizeProblems(path, lines)];
}

function sizeProblems(path: string, lines: readonly string[]): string[] {
  const problems = lines.flatMap((line, index) =>
    line.length > COLUMNS_MAX ? [`line ${index + 1} has ${line.length} columns`] : [],
  );
  const isLong = lines.length > LINES_PER_FILE_MAX;
  if (isLong && !LONG_FILES.has(path)) {
    problems.push(`has ${lines.length} lines, more than ${LINES_PER_FILE_MAX}`);
  }
  if (!isLong && LONG_FILES.has(path)) problems.push('is allowed to be long and is not');
  return problems;
}

/** Names what must not be in a source of src/: banned globals, randomness, console, undocumented exports, barrels. */
export function sourceProblems(source: SourceText): string[] {
  const parsed = parseSource(source);
  return [
    ...globalProblems(source, parsed),
    ...documentationProblems(parsed),
    ...barrelProblems(parsed),
  ];
}

function globalProblems(source: SourceText, parsed: ts.SourceFile): string[] {
  const problems: string[] = [];
  visit(parsed, (node) => {
    if (isMember(node, 'Math', 'random')) problems.push(`line ${lineOf(node)} uses Math.random`);
    if (isMember(node, 'console') && !source.path.startsWith('src/cli/')) {
      problems.push(`line ${lineOf(node)} writes to the console`);
    }
    if (isPure(source) && isGlobalReference(node)) {
      problems.push(`line ${lineOf(node)} is pure and must not use ${node.getText()}`);
    }
  });
  return problems;
}

function isMember(node: ts.Node, object: string, property?: string): boolean {
  return (
    ts.isPropertyAccessExpression(node) &&
    node.expression.getText() === object &&
    (property === undefined || node.name.text === property)
  );
}

/** An identifier that stands for itself: not the name of a member or of a declaration. */
function isGlobalReference(node: ts.Node): boolean {
  if (!ts.isIdentifier(node) || !IMPURE_GLOBALS.has(node.text)) return false;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  return !('name' in parent && parent.name === node) || ts.isShorthandPropertyAssignment(parent);
}

function documentationProblems(parsed: ts.SourceFile): string[] {
  const exported = exportedNames(parsed);
  const found = declarations(parsed).filter(
    ({ name, node }) => isExported(node) || exported.has(name),
  );
  const documented = new Set<string>();
  for (const [index, declaration] of found.entries()) {
    const continues =
      continuesTable(found[index - 1], declaration) && documented.has(found[index - 1]?.name ?? '');
    if (hasDocumentation(declaration.node) || continues) documented.add(declaration.name);
  }
  return found
    .filter(({ name }) => !documented.has(name))
    .map(({ name, node }) => `line ${lineOf(node)} exports ${name} without a doc comment`);
}

/** UPPER_SNAKE constants on consecutive lines are one table and share the comment of the first. */
function continuesTable(previous: Declaration | undefined, current: Declaration): boolean {
  if (!previous || ![previous, current].every(({ name }) => C_CONSTANT.test(name))) return false;
  return lineOf(current.node) - endLineOf(previous.node) === 1;
}

interface Declaration {
  readonly name: string;
  readonly node: ts.Statement;
}

function declarations(parsed: ts.SourceFile): Declaration[] {
  return parsed.statements.flatMap((node): Declaration[] => {
    if (ts.isVariableStatement(node)) {
      return node.declarationList.declarations.map(({ name }) => ({ name: name.getText(), node }));
    }
    const isNamed =
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isEnumDeclaration(node);
    return isNamed ? [{ name: node.name?.text ?? 'default', node }] : [];
  });
}

function exportedNames(parsed: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const node of parsed.statements) {
    if (ts.isExportAssignment(node)) names.add(node.expression.getText());
    if (!ts.isExportDeclaration(node) || node.moduleSpecifier || !node.exportClause) continue;
    if (!ts.isNamedExports(node.exportClause)) continue;
    for (const { name, propertyName } of node.exportClause.elements) {
      names.add((propertyName ?? name).text);
    }
  }
  return names;
}

function isExported(node: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

function hasDocumentation(node: ts.Node): boolean {
  return ts
    .getJSDocCommentsAndTags(node)
    .some(
      (entry) => ts.isJSDoc(entry) && (entry.comment !== undefined || entry.tags !== undefined),
    );
}

function barrelProblems(parsed: ts.SourceFile): string[] {
  const passesOn = parsed.statements.filter(
    (node) => ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined,
  );
  return passesOn.map((node) => `line ${lineOf(node)} passes on the exports of another file`);
}
