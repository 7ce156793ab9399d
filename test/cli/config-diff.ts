import t, { type Test } from 'tap';
import { parse as parseYaml } from 'yaml';
import { diffConfigs, formatChanges } from '../../src/cli/config-commands.ts';
import { NO_COLOURS } from '../../src/cli/terminal/colours.ts';

const TABLE = { output: 'table', colours: NO_COLOURS } as const;
const JSON_DATA = { output: 'json', colours: NO_COLOURS } as const;
const YAML = { output: 'yaml', colours: NO_COLOURS } as const;

const OLD = `version: v1
auth: { type: ephemeral, credentials: { secrets: [hidden-secret-of-today, hidden-secret-of-old] } }
listeners: [{ name: udp, port: 3478, routes: [media] }]
relay: { workers: 2 }
clusters: [{ name: media, endpoints: [10.0.0.1] }]
`;
const NEW = OLD.replace('hidden-secret-of-old', 'hidden-secret-of-new')
  .replace('port: 3478', 'port: 3479, public_address: turn.example.org')
  .replace('workers: 2', 'workers: 3')
  .replace('[10.0.0.1] }', '[10.0.0.2] }, { name: more }');
const BROKEN = NEW.replace('port: 3479', 'port: hidden');

function files(t: Test): { before: string; after: string; broken: string; weak: string } {
  const folder = t.testdir({
    'before.yaml': OLD,
    'after.yaml': NEW,
    'broken.yaml': BROKEN,
    'weak.yaml': OLD.replace('hidden-secret-of-old', 'hidden-weak'),
  });
  return {
    before: `${folder}/before.yaml`,
    after: `${folder}/after.yaml`,
    broken: `${folder}/broken.yaml`,
    weak: `${folder}/weak.yaml`,
  };
}

t.test('what a reload would change', (t) => {
  const { before, after } = files(t);
  const table = diffConfigs(before, after, TABLE, {});
  t.same([table.exitCode, table.stderr], [0, '']);
  t.same(table.stdout.split('\n'), [
    'a reload would change this',
    'auth.credentials.secrets: ["***","***"] -> ["***","***"] (in place)',
    'listeners.udp.port: 3478 -> 3479 (the socket is opened anew)',
    'listeners.udp.public_address: (none) -> turn.example.org (in place)',
    'relay.workers: 2 -> 3 (needs a restart)',
    'clusters.media.endpoints: ["10.0.0.1"] -> ["10.0.0.2"] (in place)',
    'clusters.more: (none) -> {"name":"more","type":"STATIC","protocol":"UDP","endpoints":[],"dangerously_allow":[]} (in place)',
    '',
  ]);
  const json = diffConfigs(before, after, JSON_DATA, {});
  const data = JSON.parse(json.stdout) as { changes: unknown[] };
  t.equal(data.changes.length, 6);
  t.strictSame(data.changes[1], {
    path: 'listeners.udp.port',
    before: 3478,
    after: 3479,
    effect: 'reopen',
  });
  t.strictSame(parseYaml(diffConfigs(before, after, YAML, {}).stdout), data, 'the same as YAML');
  t.notMatch(table.stdout + json.stdout, /hidden/);
  const back = diffConfigs(after, before, TABLE, {});
  t.match(back.stdout, /^clusters\.more: \{"name":"more".* -> \(none\) \(in place\)$/m);
  t.match(back.stdout, /^listeners\.udp\.public_address: turn\.example\.org -> \(none\) /m);
  t.end();
});

t.test('nothing would change', (t) => {
  const { before } = files(t);
  const same = diffConfigs(before, before, TABLE, {});
  t.same(same, { exitCode: 0, stdout: 'a reload would change nothing\n', stderr: '' });
  t.same(JSON.parse(diffConfigs(before, before, JSON_DATA, {}).stdout), { changes: [] });
  t.same(parseYaml(diffConfigs(before, before, YAML, {}).stdout), { changes: [] });
  t.equal(formatChanges([], TABLE), 'a reload would change nothing\n');
  t.end();
});

t.test('files that cannot be used', (t) => {
  const { before, broken, weak } = files(t);
  for (const [from, to] of [[before, broken], [broken, before]] as const) {
    const result = diffConfigs(from, to, TABLE, {});
    t.match(result, { exitCode: 2, stdout: '', stderr: `${broken}:3:32: listeners[0].port: ` });
    t.notMatch(result.stderr, /hidden/);
  } // prettier-ignore
  const missing = diffConfigs(before, `${before}.none`, TABLE, {});
  t.match(missing, { exitCode: 2, stdout: '', stderr: /^cannot read / });
  const warned = diffConfigs(before, weak, TABLE, {});
  t.equal(warned.exitCode, 0);
  t.match(warned.stderr, /weak\.yaml:2:\d+: auth\.credentials\.secrets\[1\]: warning: is shorter/);
  t.match(warned.stdout, /^auth\.credentials\.secrets: /m);
  t.end();
});

t.test('values of the table', (t) => {
  const head = 'a reload would change this\n';
  const change = (before: unknown, after: unknown): string =>
    formatChanges([{ path: 'a', before, after, effect: 'update' }], TABLE);
  t.equal(change('', 'http://127.0.0.1:1/'), `${head}a: "" -> http://127.0.0.1:1/ (in place)\n`);
  t.equal(change(false, 0), `${head}a: false -> 0 (in place)\n`);
  t.equal(change([], undefined), `${head}a: [] -> (none) (in place)\n`);
  t.end();
});
