// The media server of the example: a process that forwards RTP between the two browsers of a call.
import type { Answers, MediaPlace, PortRange, Side } from './media-server.ts';
import { PortPairs } from './port-pairs.ts';
import { WeriftLeg } from './werift-leg.ts';
import type { WeriftReply, WeriftRequest } from './werift-messages.ts';

type Legs = Readonly<Record<Side, WeriftLeg>>;

const place = JSON.parse(process.argv[2]!) as MediaPlace;
const portPairs = new PortPairs(place.ports);
const calls = new Map<number, Legs>();

process.on('message', (request: WeriftRequest) => obey(request));
// The application server is gone.
process.on('disconnect', () => process.exit());
// A terminal tells the whole group; whoever starts all of it ends all of it.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined);

function obey(request: WeriftRequest): void {
  switch (request.does) {
    case 'open':
      open(request.call);
      break;
    case 'accept':
      accept(request).then(
        (answers) => reply({ says: 'answers', call: request.call, answers }),
        (error: unknown) => end(request.call, (error as Error).message),
      );
      break;
    case 'candidate':
      calls.get(request.call)?.[request.side].addCandidate(request.candidate);
      break;
    case 'close':
      close(request.call);
      break;
  }
}

function open(call: number): void {
  const [caller, callee] = [legFor(call, 'caller'), legFor(call, 'callee')];
  if (caller === undefined || callee === undefined) {
    void caller?.close();
    return reply({ says: 'ended', call, reason: 'the media server is full' });
  }
  caller.forwardTo(callee);
  callee.forwardTo(caller);
  calls.set(call, { caller, callee });
}

function legFor(call: number, side: Side): WeriftLeg | undefined {
  const ports = portPairs.take();
  if (ports === undefined) return undefined;
  return new WeriftLeg(place.address, ports, {
    hears: (host, port) => host === place.address && isWithin(port, place.relayPorts),
    failed: () => end(call, `the media of the ${side} has stopped`),
    closed: () => portPairs.give(ports),
  });
}

async function accept(request: WeriftRequest & { does: 'accept' }): Promise<Answers> {
  const legs = calls.get(request.call);
  if (legs === undefined) throw new Error('the call is over');
  const [caller, callee] = await Promise.all([
    legs.caller.answer(request.callerOffer),
    legs.callee.answer(request.calleeOffer),
  ]);
  return { caller, callee };
}

function end(call: number, reason: string): void {
  if (close(call)) reply({ says: 'ended', call, reason });
}

function close(call: number): boolean {
  const legs = calls.get(call);
  void legs?.caller.close();
  void legs?.callee.close();
  return calls.delete(call);
}

function isWithin(port: number, { min, max }: PortRange): boolean {
  return port >= min && port <= max;
}

function reply(message: WeriftReply): void {
  process.send!(message);
}
