import { ephemeralCredential } from '../../test/support/credentials.ts';
import { missingBuild, startReady } from '../../test/support/gateway-process.ts';
import { OperatedGateway, type Sections } from '../../test/support/operated-gateway.ts';
import type { Owner } from '../../test/support/owner.ts';
import { poll } from '../../test/support/poll.ts';
import { openDescriptors } from '../../test/support/process-usage.ts';
import { RelayLoad } from '../../test/support/relay-load.ts';
import { LOOPBACK_SERVER } from '../../test/support/server-under-test.ts';
import { TurnClient } from '../../test/support/turn-client.ts';
import type { Finding } from '../scenario.ts';
import { Cleanup } from './cleanup.ts';
import { atMost, exactly, isSo, untouched } from './findings.ts';
import { relayFor, relayWhile, type Meanwhile } from './relay-while.ts';

const CALLS = 100;
const PACKETS_PER_SECOND = 10;
const CONTROL_MS = 2000;
/** Connections more than at first of who asks the gateway how it does. */
const WHO_ASKS_MAX = 2;
const CHANNEL = 0x4000;

/** What a scene differs in from a plain one. */
export interface FaultSceneOptions {
  readonly calls?: number;
  readonly packetsPerSecond?: number;
  readonly changes?: Sections;
  readonly environment?: Readonly<Record<string, string>>;
  readonly launch?: typeof startReady;
}

/** A gateway with live calls, to which something is done. */
export class FaultScene {
  readonly gateway: OperatedGateway;
  readonly calls: RelayLoad;
  readonly owner: Owner;
  readonly findings: Finding[] = [];
  /** Processor share of the gateway with nothing wrong. */
  controlShare = 0;
  readonly #idleDescriptors: number;

  private constructor(
    gateway: OperatedGateway,
    calls: RelayLoad,
    owner: Owner,
    idleDescriptors: number,
  ) {
    this.gateway = gateway;
    this.calls = calls;
    this.owner = owner;
    this.#idleDescriptors = idleDescriptors;
  }

  /** Opens a scene, measures it with nothing wrong, and has `act` add to its findings. */
  static run(
    options: FaultSceneOptions,
    act: (scene: FaultScene) => Promise<void>,
  ): Promise<readonly Finding[]> {
    return Cleanup.around((cleanup) => FaultScene.under(cleanup, options, act));
  }

  /** Does the same for a scenario that has opened something before: both end with one owner. */
  static async under(
    owner: Owner,
    options: FaultSceneOptions,
    act: (scene: FaultScene) => Promise<void>,
  ): Promise<readonly Finding[]> {
    const scene = await FaultScene.#open(options, owner);
    const control = await relayFor(scene.calls, scene.pid, CONTROL_MS);
    scene.controlShare = control.processorShare;
    scene.findings.push(untouched('control: calls with nothing wrong', control));
    await act(scene);
    return scene.findings;
  }

  static async #open(options: FaultSceneOptions, owner: Owner): Promise<FaultScene> {
    const { changes = {}, environment = {}, launch = startReady } = options;
    const gateway = await OperatedGateway.start(owner, changes, {}, environment, launch);
    // The connections of who asks how it does stay open.
    await Promise.all([gateway.status(), gateway.health('ready'), gateway.metrics()]);
    const idleDescriptors = openDescriptors(gateway.process.child.pid);
    const calls = await RelayLoad.open({
      server: gateway.server,
      peer: gateway.peer.address,
      clients: options.calls ?? CALLS,
      packetsPerSecond: options.packetsPerSecond ?? PACKETS_PER_SECOND,
      secret: LOOPBACK_SERVER.secret,
    });
    owner.teardown(() => calls.close());
    return new FaultScene(gateway, calls, owner, idleDescriptors);
  }

  get pid(): number {
    return this.gateway.process.child.pid;
  }

  /** Lets the calls relay while something is done; they must lose nothing. */
  async spare(what: string, act: () => Promise<unknown>): Promise<Meanwhile> {
    const meanwhile = await relayWhile(this.calls, this.pid, act);
    this.findings.push(untouched(`${what}: live calls`, meanwhile));
    return meanwhile;
  }

  /** Opens a client without an allocation; the scene closes it. */
  async openClient(user: string, expiresAtUnixSeconds?: number): Promise<TurnClient> {
    const { secret } = LOOPBACK_SERVER;
    const credential = ephemeralCredential(secret, user, expiresAtUnixSeconds);
    const client = await TurnClient.open({ server: this.gateway.server, credential });
    this.owner.teardown(() => client.close());
    return client;
  }

  /** Makes a call from beginning to end; rejects when it does not get through. */
  async callAnew(user = 'newcomer'): Promise<void> {
    const client = await this.openClient(user);
    await client.allocate();
    await client.channelBind(CHANNEL, this.gateway.peer.address);
    client.sendOnChannel(CHANNEL, Buffer.from('is anybody there?'));
    await client.receive();
    await client.refresh(0);
  }

  /** Finds out whether everything is as it was before; the calls have ended then. */
  async expectRecovery(): Promise<void> {
    const { gateway, calls, findings } = this;
    findings.push(
      untouched('afterwards: the same calls', await relayFor(this.calls, this.pid, CONTROL_MS)),
    );
    const isCalling = await this.callAnew().then(
      () => true,
      () => false,
    );
    findings.push(isSo('afterwards: a new client calls', isCalling));
    const { allocations } = await gateway.status();
    findings.push(exactly('afterwards: allocations', allocations.active, calls.clients.length));
    await gateway.metrics();
    findings.push(exactly('afterwards: /ready', (await gateway.health('ready')) ?? 0, 200));
    await Promise.all(calls.clients.map((client) => client.refresh(0)));
    const max = this.#idleDescriptors + WHO_ASKS_MAX;
    const isIdle = (count: number): boolean => count <= max;
    await poll(() => openDescriptors(this.pid), isIdle).catch(() => {});
    const left = openDescriptors(this.pid);
    findings.push(atMost('afterwards: descriptors of an idle gateway', left, max));
  }
}

/** Says why faults cannot be had here; false when they can. */
export function missingForFaults(): string | false {
  return missingBuild() || (process.platform !== 'linux' && 'faults are those of Linux');
}
