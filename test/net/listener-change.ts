import t from 'tap';
import { planChange, type OpenedListener } from '../../src/net/shared/listener-change.ts';
import { planOf } from '../support/plane-under-test.ts';

/** `name protocol port bind`, a listener that is retired with a dash in front; `*` is all addresses. */
function listenerOf(text: string): OpenedListener & { readonly text: string } {
  const [name, protocol, port, bind = '*'] = text.replace(/^-/, '').split(' ') as [
    string,
    'udp' | 'tcp' | 'tls' | 'dtls',
    string,
    string?,
  ];
  const plan = planOf(name, protocol, Number(port), { bind: bind === '*' ? undefined : bind });
  return { plan, isRetired: text.startsWith('-'), text };
}

t.test('how what is open becomes what is planned', (t) => {
  const cases: {
    open: string[];
    plans: string[];
    kept?: string[];
    opened?: string[];
    openedAfter?: string[];
    yielding?: string[];
    retired?: string[];
    closed?: string[];
  }[] = [
    { open: [], plans: ['a udp 1'], opened: ['a'] },
    { open: ['a udp 1'], plans: ['a udp 1'], kept: ['a udp 1'] },
    { open: ['a udp 1'], plans: [], closed: ['a udp 1'] },
    { open: ['a udp 1'], plans: ['a udp 2'], opened: ['a'], retired: ['a udp 1'] },
    { open: ['a udp 1'], plans: ['a tcp 1'], opened: ['a'], retired: ['a udp 1'] },
    { open: ['a udp 1'], plans: ['a dtls 1'], openedAfter: ['a'], yielding: ['a udp 1'] },
    { open: ['a tcp 1'], plans: ['a tls 1'], openedAfter: ['a'], yielding: ['a tcp 1'] },
    { open: ['a udp 1'], plans: ['b udp 1'], openedAfter: ['b'], yielding: ['a udp 1'] },
    {
      open: ['a udp 1', 'b udp 2'],
      plans: ['a udp 2', 'b udp 1'],
      openedAfter: ['a', 'b'],
      yielding: ['a udp 1', 'b udp 2'],
    },
    {
      open: ['a udp 1 192.0.2.1'],
      plans: ['a udp 1 192.0.2.2'],
      opened: ['a'],
      retired: ['a udp 1 192.0.2.1'],
    },
    {
      open: ['a udp 1 192.0.2.1'],
      plans: ['a udp 1'],
      openedAfter: ['a'],
      yielding: ['a udp 1 192.0.2.1'],
    },
    {
      open: ['a udp 1 0.0.0.0'],
      plans: ['a udp 1 192.0.2.1'],
      openedAfter: ['a'],
      yielding: ['a udp 1 0.0.0.0'],
    },
    {
      open: ['a udp 1 ::'],
      plans: ['a udp 1 192.0.2.1'],
      opened: ['a'],
      retired: ['a udp 1 ::'],
    },
    // A retired one stays as it is, comes back, makes room, or goes with its name.
    { open: ['-a udp 1', 'a udp 2'], plans: ['a udp 2'], kept: ['a udp 2'] },
    {
      open: ['-a udp 1', 'a udp 2'],
      plans: ['a udp 1'],
      kept: ['-a udp 1'],
      retired: ['a udp 2'],
    },
    {
      open: ['-a udp 1', 'a udp 2'],
      plans: ['a udp 2', 'b udp 1'],
      kept: ['a udp 2'],
      openedAfter: ['b'],
      yielding: ['-a udp 1'],
    },
    { open: ['-a udp 1', 'a udp 2'], plans: [], closed: ['-a udp 1', 'a udp 2'] },
  ];
  for (const { open, plans, ...expected } of cases) {
    const change = planChange(
      open.map(listenerOf),
      plans.map((text) => listenerOf(text).plan),
    );
    const texts = (listeners: readonly { text: string }[]) => listeners.map(({ text }) => text);
    const nothing = {
      kept: [],
      opened: [],
      openedAfter: [],
      yielding: [],
      retired: [],
      closed: [],
    };
    const found = {
      kept: texts(change.kept.map(({ listener }) => listener)),
      opened: change.opened.map(({ name }) => name),
      openedAfter: change.openedAfter.map(({ name }) => name),
      yielding: texts(change.yielding),
      retired: texts(change.retired),
      closed: texts(change.closed),
    };
    t.strictSame(found, { ...nothing, ...expected }, `${open.join()} -> ${plans.join()}`);
    t.ok(
      change.kept.every(({ plan }, index) => plan.name === change.kept[index]!.listener.plan.name),
    );
  }
  t.end();
});
