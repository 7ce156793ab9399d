import type { MediaServer } from '../media/media-server.ts';
import { Call } from './call.ts';
import type { IceConfiguration } from './ice-api.ts';
import type { ClientMessage, ServerMessage } from './messages.ts';
import type { User } from './user.ts';

/** What the switchboard needs of the world. */
export interface SwitchboardOptions {
  /** Gets what a user's browser needs to reach the gateway; rejects with the reason why it cannot. */
  readonly iceConfiguration: (user: string) => Promise<IceConfiguration>;
  readonly mediaServer: MediaServer;
}

/** Knows who is there, and connects who wants to talk. */
export class Switchboard {
  readonly #options: SwitchboardOptions;
  readonly #users = new Map<string, User>();

  constructor(options: SwitchboardOptions) {
    this.#options = options;
  }

  /** Gives a browser that has just connected a line. */
  connect(send: (message: ServerMessage) => void): Line {
    return new Line(this.#options, this.#users, send);
  }
}

/** The connection of one browser. */
export class Line {
  readonly #options: SwitchboardOptions;
  /** Of all lines, by name. */
  readonly #users: Map<string, User>;
  readonly #send: (message: ServerMessage) => void;
  #user: User | undefined;

  constructor(
    options: SwitchboardOptions,
    users: Map<string, User>,
    send: (message: ServerMessage) => void,
  ) {
    this.#options = options;
    this.#users = users;
    this.#send = send;
  }

  /** Obeys a message of the browser. */
  hear(message: ClientMessage): void {
    switch (message.id) {
      case 'register':
        void this.#register(message.name);
        break;
      case 'call':
        this.#call(message.to, message.sdpOffer);
        break;
      case 'incomingCallResponse':
        this.#answer(message);
        break;
      case 'onIceCandidate':
        // Those that come after the end of a call have been under way.
        this.#user?.call?.addCandidate(this.#user, message.candidate);
        break;
      case 'stop':
        this.#leave((name) => `${name} ${message.failed ? 'cannot go on with it' : 'hung up'}`);
        break;
    }
  }

  /** Forgets the user, whose browser is gone. */
  close(): void {
    this.#leave((name) => `the connection to ${name} is lost`);
    if (this.#user !== undefined) this.#users.delete(this.#user.name);
    this.#user = undefined;
  }

  /** The same name once more is a wish for a new credential. */
  async #register(name: string): Promise<void> {
    const user = this.#user;
    if (user !== undefined && user.name !== name) {
      return this.#refuseName(`you are registered as ${user.name} already`);
    }
    if (user === undefined && this.#users.has(name)) {
      return this.#refuseName(`somebody is registered as ${name} already: choose another name`);
    }
    const own = user ?? { name, send: this.#send, call: undefined };
    // At once, so that nobody else takes the name meanwhile.
    this.#user = own;
    this.#users.set(name, own);
    try {
      const iceConfiguration = await this.#options.iceConfiguration(name);
      if (this.#user !== own) return;
      this.#send({ id: 'registerResponse', response: 'accepted', iceConfiguration });
    } catch (error) {
      if (this.#user !== own) return;
      if (user === undefined) this.close();
      this.#refuseName((error as Error).message);
    }
  }

  #call(to: string, sdpOffer: string): void {
    const caller = this.#user;
    const callee = this.#users.get(to);
    if (caller === undefined) this.#refuseCall('register first');
    else if (caller.call !== undefined) this.#refuseCall('you are in a call already');
    else if (to === caller.name) this.#refuseCall('you cannot call yourself');
    else if (callee === undefined) this.#refuseCall(`nobody is registered as ${to}`);
    else if (callee.call !== undefined) this.#refuseCall(`${to} is in another call`);
    else Call.start(caller, callee, sdpOffer, this.#options.mediaServer);
  }

  #answer(message: ClientMessage & { id: 'incomingCallResponse' }): void {
    const user = this.#user;
    // An answer that comes after the end of its call has been under way; it is none to the next one.
    if (!user?.call?.isRinging(user, message.from)) return;
    const sdp = message.sdpOffer ?? message.sdpAnswer;
    if (message.callResponse === 'accept' && sdp !== undefined) user.call.accept(sdp);
    else this.#leave((name) => `${name} declined`);
  }

  #leave(reasonFor: (name: string) => string): void {
    const user = this.#user;
    user?.call?.leave(user, reasonFor(user.name));
  }

  #refuseName(message: string): void {
    this.#send({ id: 'registerResponse', response: 'rejected', message });
  }

  #refuseCall(message: string): void {
    this.#send({ id: 'callResponse', response: 'rejected', message });
  }
}
