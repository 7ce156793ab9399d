import { Ajv, type ValidateFunction } from 'ajv';
import type { Static } from 'typebox';
import { Type } from '../../../src/config/schema-types.ts';
import type { IceCandidate } from '../media/media-server.ts';
import type { IceConfiguration } from './ice-api.ts';

const SDP_CHARACTERS_MAX = 60_000;
const CANDIDATE_CHARACTERS_MAX = 500;
/** Of a name that may be anybody's or nobody's. */
const NAME_CHARACTERS_MAX = 100;

const Sdp = Type.String({ minLength: 1, maxLength: SDP_CHARACTERS_MAX });
const Name = Type.String({
  pattern: String.raw`^[\p{L}\p{N}](?:[\p{L}\p{N} ._@-]{0,30}[\p{L}\p{N}])?$`,
});
const Index = Type.Union([Type.Integer({ minimum: 0, maximum: 100 }), Type.Null()]);
const Mid = Type.Union([Type.String({ maxLength: 100 }), Type.Null()]);

/** What browsers send, as in the tutorials of Kurento and STUNner; `sdpAnswer` and `failed` are additions. */
const SCHEMAS = {
  register: Type.Object({ id: Type.Literal('register'), name: Name }),
  call: Type.Object({
    id: Type.Literal('call'),
    to: Type.String({ maxLength: NAME_CHARACTERS_MAX }),
    sdpOffer: Sdp,
  }),
  incomingCallResponse: Type.Object({
    id: Type.Literal('incomingCallResponse'),
    from: Type.String({ maxLength: NAME_CHARACTERS_MAX }),
    callResponse: Type.String(),
    sdpOffer: Type.Optional(Sdp),
    sdpAnswer: Type.Optional(Sdp),
  }),
  onIceCandidate: Type.Object({
    id: Type.Literal('onIceCandidate'),
    candidate: Type.Object({
      candidate: Type.String({ maxLength: CANDIDATE_CHARACTERS_MAX }),
      sdpMid: Type.Optional(Mid),
      sdpMLineIndex: Type.Optional(Index),
    }),
  }),
  stop: Type.Object({ id: Type.Literal('stop'), failed: Type.Optional(Type.Boolean()) }),
};

/** A message of a browser. */
export type ClientMessage = Static<(typeof SCHEMAS)[keyof typeof SCHEMAS]>;

/** A message for a browser. */
export type ServerMessage =
  | {
      readonly id: 'registerResponse';
      readonly response: 'accepted';
      readonly iceConfiguration: IceConfiguration;
    }
  | { readonly id: 'callResponse'; readonly response: 'accepted'; readonly sdpAnswer: string }
  | {
      readonly id: 'registerResponse' | 'callResponse';
      readonly response: 'rejected';
      readonly message: string;
    }
  /** With an offer the callee has to answer it, without one it makes its own. */
  | { readonly id: 'incomingCall'; readonly from: string; readonly sdpOffer?: string }
  /** Without an answer when the callee has given one. */
  | { readonly id: 'startCommunication'; readonly sdpAnswer?: string }
  | { readonly id: 'stopCommunication'; readonly message: string }
  | { readonly id: 'iceCandidate'; readonly candidate: IceCandidate }
  | { readonly id: 'error'; readonly message: string };

/** What is not named above goes no further: browsers say more of a candidate than is needed. */
const ajv = new Ajv({ removeAdditional: 'all' });
const validators = new Map<unknown, ValidateFunction<ClientMessage>>(
  Object.entries(SCHEMAS).map(([id, schema]) => [id, ajv.compile<ClientMessage>(schema)]),
);

/** Reads a message; returns what is wrong with it when it is none. */
export function parseMessage(text: string): ClientMessage | { readonly problem: string } {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return { problem: 'this is not JSON' };
  }
  const id = (message as { id?: unknown } | null)?.id;
  const validate = validators.get(id);
  if (validate === undefined) return { problem: 'there is no message with this id' };
  if (validate(message)) return message;
  return { problem: `${String(id)}: ${ajv.errorsText(validate.errors, { dataVar: 'it' })}` };
}
