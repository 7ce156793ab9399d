import t from 'tap';
import {
  Candidate,
  CandidatePair,
  CandidatePairState,
  Connection,
  Message,
  StunProtocol,
  classes,
  methods,
} from 'werift';
import { Nomination } from '../../examples/one2one-call/media/nomination.ts';

const FIRST = ['192.0.2.1', 61_000] as const;
const SECOND = ['192.0.2.1', 61_002] as const;

t.test('a media server sends where the browser wants to be sent to', (t) => {
  const scene = () => {
    const [first, second] = [pairWith(FIRST), pairWith(SECOND)];
    const connection = new Connection(false);
    connection.checkList.push(first, second);
    first.updateState(CandidatePairState.SUCCEEDED);
    const nomination = new Nomination();
    const hear = (from: typeof FIRST | typeof SECOND, isWish: boolean): void => {
      const request = new Message(methods.BINDING, classes.REQUEST);
      if (isWish) request.setAttribute('USE-CANDIDATE', null);
      nomination.follow(connection, request, from);
    };
    return { connection, first, second, hear };
  };

  t.test('a pair that has been checked', (t) => {
    const { connection, first, second, hear } = scene();
    connection.nominated = first;
    second.updateState(CandidatePairState.SUCCEEDED);
    hear(SECOND, false);
    t.equal(connection.nominated, first, 'a check is no wish');
    hear(SECOND, true);
    t.equal(connection.nominated, second);
    hear(FIRST, false);
    t.equal(connection.nominated, second, 'the last wish counts');
    hear(FIRST, true);
    t.equal(connection.nominated, first);
    t.end();
  });

  t.test('a pair that is checked later', (t) => {
    const { connection, first, second, hear } = scene();
    connection.nominated = first;
    hear(SECOND, true);
    t.equal(connection.nominated, first);
    second.updateState(CandidatePairState.SUCCEEDED);
    hear(FIRST, false);
    t.equal(connection.nominated, second);
    t.end();
  });

  t.test('the first nomination', (t) => {
    const { connection, hear } = scene();
    hear(FIRST, true);
    t.equal(connection.nominated, undefined, 'is left to the library');
    t.end();
  });

  t.end();
});

function pairWith([host, port]: readonly [string, number]): CandidatePair {
  const candidate = Candidate.fromSdp(`1 1 udp 1 ${host} ${port} typ relay`);
  return new CandidatePair(new StunProtocol(), candidate, false);
}
