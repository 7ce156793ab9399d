import { spawnSync } from 'node:child_process';
import t from 'tap';
import { completionScript, SHELLS } from '../../src/cli/completion.ts';
import { createProgram, type Runners } from '../../src/cli/program.ts';
import { missingTool } from '../support/child-process.ts';

const program = createProgram('1.2.3', {} as Runners, () => undefined);

t.test('bash completes commands, options and choices', { skip: missingTool('bash') }, (t) => {
  const folder = t.testdir({ 'my file.yaml': '', 'other.yaml': '' });
  const cases: [string[], string[] | RegExp][] = [
    [['st'], ['start', 'status']],
    [['config', ''], /^check show diff schema import help -h --help$/],
    [['config', 'che'], ['check']],
    [
      ['route', ''],
      ['check', 'help', '-h', '--help'],
    ],
    [['status', '--wa'], ['--watch']],
    [
      ['status', '-o', ''],
      ['table', 'json', 'yaml'],
    ],
    [['config', 'show', '--output', 'j'], ['json']],
    [['snippet', 'jan'], ['janus']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish', '-h', '--help'],
    ],
    [['start', '-c', 'my'], ['my file.yaml']],
    [['config', 'import', 'o'], ['other.yaml']],
    [['sessions', '--user', ''], []],
    [['sessions', '--user', 'alice', '--lim'], ['--limit']],
    [['nonsense'], []],
  ];
  for (const [words, expected] of cases) {
    const line = ['turnpike', ...words];
    const script = `${completionScript(program, 'bash')}
COMP_WORDS=(${line.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${line.length - 1}
_turnpike 2>/dev/null
printf '%s\\n' "\${COMPREPLY[@]}"
complete -p turnpike >&2
`;
    const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], {
      cwd: folder,
      encoding: 'utf8',
    });
    t.equal(status, 0, stderr);
    t.match(stderr, 'complete -F _turnpike turnpike');
    const found = stdout.split('\n').filter((word) => word !== '');
    if (Array.isArray(expected)) t.same(found, expected, words.join(' '));
    else t.match(found.join(' '), expected, words.join(' '));
  }
  t.end();
});

t.test('every command and option is in every script', (t) => {
  for (const shell of SHELLS) {
    const script = completionScript(program, shell);
    for (const command of program.commands) {
      t.match(script, command.name(), `${shell} ${command.name()}`);
      for (const { long } of command.options) {
        t.match(script, shell === 'fish' ? `-l ${long?.slice(2)}` : long!, `${shell} ${long}`);
      }
    }
    const tool = missingTool(shell);
    if (tool !== false) continue;
    t.equal(spawnSync(shell, ['-n'], { input: script }).status, 0, `${shell} takes it`);
  }
  t.end();
});
