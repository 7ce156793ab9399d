import t, { type Test } from 'tap';
import { parse as parseYaml } from 'yaml';
import { diffConfigs, formatChanges } from '../../src/cli/config-commands.ts';

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
  const table = diffConfigs(before, after, 'table', {});
  t.same([table.exitCode, table.stderr], [0, '']);
  t.same(table.stdout.split('\n'), [
    'auth.credentials.secrets      update   ["***","***"] -> ["***","***"]',
    'listeners.udp.port            reopen   3478 -> 3479',
    'listeners.udp.public_address  update   + turn.example.org',
    'relay.workers                 restart  2 -> 3',
    'clusters.media.endpoints      update   ["10.0.0.1"] -> ["10.0.0.2"]',
    'clusters.more                 update   + {"name":"more","type":"STATIC","protocol":"UDP","endpoints":[],"dangerously_allow":[]}',
    '',
  ]);
  const json = diffConfigs(before, after, 'json', {});
  const data = JSON.parse(json.stdout) as { changes: unknown[] };
  t.equal(data.changes.length, 6);
  t.strictSame(data.changes[1], {
    path: 'listeners.udp.port',
    before: 3478,
    after: 3479,
    effect: 'reopen',
  });
  t.strictSame(parseYaml(diffConfigs(before, after, 'yaml', {}).stdout), data, 'the same as YAML');
  t.notMatch(table.stdout + json.stdout, /hidden/);
  const back = diffConfigs(after, before, 'table', {});
  t.match(back.stdout, /^clusters\.more +update +- \{"name":"more"/m);
  t.match(back.stdout, /^listeners\.udp\.public_address +update +- turn\.example\.org$/m);
  t.end();
});

t.test('nothing would change', (t) => {
  const { before } = files(t);
  const same = diffConfigs(before, before, 'table', {});
  t.same(same, { exitCode: 0, stdout: 'nothing would change\n', stderr: '' });
  t.same(JSON.parse(diffConfigs(before, before, 'json', {}).stdout), { changes: [] });
  t.same(parseYaml(diffConfigs(before, before, 'yaml', {}).stdout), { changes: [] });
  t.equal(formatChanges([], 'table'), 'nothing would change\n');
  t.end();
});

t.test('files that cannot be used', (t) => {
  const { before, broken, weak } = files(t);
  for (const [from, to] of [[before, broken], [broken, before]] as const) {
    const result = diffConfigs(from, to, 'table', {});
    t.match(result, { exitCode: 2, stdout: '', stderr: `${broken}:3:32: listeners[0].port: ` });
    t.notMatch(result.stderr, /hidden/);
  } // prettier-ignore
  const missing = diffConfigs(before, `${before}.none`, 'table', {});
  t.match(missing, { exitCode: 2, stdout: '', stderr: /^cannot read / });
  const warned = diffConfigs(before, weak, 'table', {});
  t.equal(warned.exitCode, 0);
  t.match(warned.stderr, /weak\.yaml:2:\d+: auth\.credentials\.secrets\[1\]: warning: is shorter/);
  t.match(warned.stdout, /^auth\.credentials\.secrets +update/);
  t.end();
});

t.test('values of the table', (t) => {
  const change = (before: unknown, after: unknown): string =>
    formatChanges([{ path: 'a', before, after, effect: 'update' }], 'table');
  t.equal(change('', 'http://127.0.0.1:1/'), 'a  update   "" -> http://127.0.0.1:1/\n');
  t.equal(change(false, 0), 'a  update   false -> 0\n');
  t.equal(change([], undefined), 'a  update   - []\n');
  t.end();
});
