import type { Argument, Command, Option } from 'commander';

/** Shells that scripts are made for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** One of `SHELLS`. */
export type Shell = (typeof SHELLS)[number];

/** What may follow an option: one of some words, a file, anything, or nothing as it takes no value. */
type Value = readonly string[] | 'file' | 'text' | 'none';

const BASH_FILES = String.raw`compopt -o filenames 2>/dev/null; IFS=$'\n'; COMPREPLY+=($(compgen -f -- "$cur"))`;

interface Entry {
  /** Names below the program with blanks between: `config check`; empty: the program itself. */
  readonly path: string;
  readonly subcommands: readonly Command[];
  readonly options: readonly Option[];
  /** What its first argument may be. */
  readonly argument: Value;
}

/** Writes a completion script for the commands, options and choices of a program. */
export function completionScript(program: Command, shell: Shell): string {
  const name = program.name();
  const entries = entriesOf(program, '');
  if (shell === 'fish') return fishScript(name, entries);
  return shell === 'bash' ? bashScript(name, entries) : zshScript(name, entries);
}

function entriesOf(command: Command, path: string): Entry[] {
  const helper = command.createHelp();
  const subcommands = helper.visibleCommands(command);
  const own: Entry = {
    path,
    subcommands,
    options: helper.visibleOptions(command),
    argument: valueOf(command.registeredArguments[0]),
  };
  const below = subcommands.filter((child) => child.name() !== 'help');
  return [own, ...below.flatMap((child) => entriesOf(child, join(path, child.name())))];
}

function valueOf(argument: Argument | undefined): Value {
  if (argument === undefined) return 'none';
  return argument.argChoices ?? (/file/.test(argument.name()) ? 'file' : 'text');
}

function optionValue(option: Option): Value {
  if (!option.required) return 'none';
  return option.argChoices ?? (/<file>/.test(option.flags) ? 'file' : 'text');
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined && flag !== null);
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path} ${name}`;
}

/** The `case` patterns `PATH/NAME` of every command, which lead from one to the next. */
function steps(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ path, subcommands }) =>
    subcommands.map((child) => `'${path}/${child.name()}'`),
  );
}

/** The same walk and the same tables in the shells that have `case`. */
function caseTables(entries: readonly Entry[], give: (value: Value) => string): string {
  const after = entries.flatMap(({ path, options }) =>
    options
      .filter((option) => optionValue(option) !== 'none')
      .map((option) => {
        const patterns = flagsOf(option).map((flag) => `'${path}:${flag}'`);
        return `    ${patterns.join('|')}) ${give(optionValue(option))}; return ;;\n`;
      }),
  );
  const words = entries.map(({ path, subcommands, options, argument }) => {
    const choices = typeof argument === 'string' ? [] : argument;
    const all = [
      ...subcommands.map((child) => child.name()),
      ...choices,
      ...options.flatMap(flagsOf),
    ];
    // Last, as it changes how words are split.
    const files = argument === 'file' ? `; ${give('file')}` : '';
    return `    '${path}') ${give(all)}${files} ;;\n`;
  });
  return `  case "$cmd:$prev" in
${after.join('')}  esac
  case "$cmd" in
${words.join('')}  esac
`;
}

function giveBash(value: Value): string {
  if (value === 'file') return BASH_FILES;
  return typeof value === 'string'
    ? 'COMPREPLY=()'
    : `COMPREPLY+=($(compgen -W '${value.join(' ')}' -- "$cur"))`;
}

function giveZsh(value: Value): string {
  if (value === 'file') return '_files';
  return typeof value === 'string' ? ':' : `compadd -- ${value.join(' ')}`;
}

function bashScript(name: string, entries: readonly Entry[]): string {
  return `# bash completion of ${name}: source <(${name} completion bash)
_${name}() {
  local cur prev cmd='' word i IFS=$' \\t\\n'
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$cmd/$word" in
      ${steps(entries).join('|')}) cmd="\${cmd:+$cmd }$word" ;;
    esac
  done
${caseTables(entries, giveBash)}}
complete -F _${name} ${name}
`;
}

function zshScript(name: string, entries: readonly Entry[]): string {
  return `#compdef ${name}
# zsh completion of ${name}: source <(${name} completion zsh), after compinit
_${name}() {
  local prev cmd='' word i
  prev="\${words[CURRENT-1]}"
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$cmd/$word" in
      ${steps(entries).join('|')}) cmd="\${cmd:+$cmd }$word" ;;
    esac
  done
${caseTables(entries, giveZsh)}}
if [ "\${funcstack[1]}" = "_${name}" ]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function fishScript(name: string, entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, subcommands, options, argument }) => {
    const at = `complete -c ${name} -n '__${name}_at "${path}"'`;
    const choices = typeof argument === 'string' ? [] : argument;
    return [
      ...subcommands.map(
        (child) =>
          `${at} -a ${child.name()} -d ${fishText(child.summary() || child.description())}`,
      ),
      ...(choices.length === 0 ? [] : [`${at} -a ${fishText(choices.join(' '))}`]),
      ...(argument === 'file' ? [`${at} -F`] : []),
      ...options.map((option) => `${at} ${fishOption(option)}`),
    ];
  });
  return `# fish completion of ${name}: ${name} completion fish | source
function __${name}_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at/$word"
            case ${steps(entries).join(' ')}
                set at (string trim -- "$at $word")
        end
    end
    test "$at" = "$argv[1]"
end
complete -c ${name} -f
${lines.join('\n')}
`;
}

function fishOption(option: Option): string {
  const { short, long, description } = option;
  const value = optionValue(option);
  const takes =
    value === 'none'
      ? []
      : value === 'file'
        ? ['-r', '-F']
        : ['-x', ...(value === 'text' ? [] : [`-a ${fishText(value.join(' '))}`])];
  return [
    ...(short ? [`-s ${short.slice(1)}`] : []),
    ...(long ? [`-l ${long.slice(2)}`] : []),
    ...takes,
    `-d ${fishText(description)}`,
  ].join(' ');
}

function fishText(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
