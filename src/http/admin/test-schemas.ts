import { Type } from '../../config/schema-types.ts';
import { CLOSED, errorAnswer, operation } from './operation-schema.ts';

const SDP_CHARACTERS_MAX = 16_000;

const TestAccessAnswer = Type.Object(
  {
    authentication: Type.String({ description: '`ephemeral`, `static` or `none`.' }),
    credential: Type.Optional(
      Type.Object(
        {
          username: Type.String(),
          password: Type.String(),
          expiresAt: Type.String({ description: 'RFC 3339 time.' }),
        },
        { description: 'Only with `ephemeral`: passwords of users are told to nobody.' },
      ),
    ),
    listeners: Type.Array(
      Type.Object({
        name: Type.String(),
        protocol: Type.String(),
        uri: Type.String({ description: 'TURN URI (RFC 7065).' }),
        isSelfSigned: Type.Boolean({ description: 'Its certificate was made at the start.' }),
      }),
    ),
    echo: Type.Optional(Type.String({ description: 'URL of the WebRTC echo.' })),
  },
  { description: 'What a client needs to try every listener' },
);

/** Documentation of `POST /test/credential`. */
export const testCredentialSchema = operation({
  operationId: 'makeTestCredential',
  tag: 'Test',
  summary: 'Make a credential to test the listeners with',
  description:
    'For the test page of the console: a credential of five minutes for the user `console-test`, and the URI of ' +
    'each listener.',
  body: Type.Object({}, CLOSED),
  answer: TestAccessAnswer,
});

/** Documentation of `POST /test/echo`. */
export const echoSchema = operation({
  operationId: 'offerToEcho',
  tag: 'Test',
  summary: 'Offer a WebRTC connection to the echo',
  description:
    'Hands an offer to the WebRTC echo of `admin.echo_endpoint` and answers with its answer, since clients reach ' +
    'backends through the gateway only.',
  body: Type.Object(
    {
      offer: Type.String({
        minLength: 1,
        maxLength: SDP_CHARACTERS_MAX,
        description: 'Session description with all candidates.',
      }),
    },
    CLOSED,
  ),
  answer: Type.Object({ answer: Type.String() }, { description: 'The session description' }),
  otherAnswers: {
    502: errorAnswer('No echo is configured, or it does not answer'),
    503: errorAnswer('Every port of the echo is taken'),
  },
});
