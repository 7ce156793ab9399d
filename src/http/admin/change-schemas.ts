import { Type } from '../../config/schema-types.ts';
import { ReloadResultAnswer, RevocationAnswer } from './answer-schemas.ts';
import { CLOSED, errorAnswer, operation } from './operation-schema.ts';
import { NAME_CHARACTERS_MAX, NameText } from './read-schemas.ts';

const EndedAnswer = Type.Object(
  { ended: Type.Integer({ description: 'Sessions that were ended.' }) },
  { description: 'What was ended' },
);

const StateAnswer = Type.Object(
  { state: Type.String({ description: '`running`, `draining` or `stopping`.' }) },
  { description: 'The state after it' },
);

const NoBody = Type.Object({}, CLOSED);

/** Documentation of `DELETE /sessions/{id}`. */
export const kickSessionSchema = operation({
  operationId: 'kickSession',
  tag: 'Sessions',
  summary: 'End one session',
  description: 'The client may allocate anew; revoke its user to prevent that.',
  params: Type.Object({ id: { ...NameText, description: 'Id of the session.' } }),
  answer: EndedAnswer,
  otherAnswers: { 404: errorAnswer('There is no such session') },
});

/** Documentation of `DELETE /sessions?user=U`. */
export const kickUserSchema = operation({
  operationId: 'kickUser',
  tag: 'Sessions',
  summary: 'End all sessions of a user',
  description: 'The clients may allocate anew; revoke the user to prevent that.',
  querystring: Type.Object({ user: { ...NameText, description: 'User id.' } }, CLOSED),
  answer: EndedAnswer,
});

/** Documentation of `POST /reload`. */
export const reloadSchema = operation({
  operationId: 'reload',
  tag: 'Operation',
  summary: 'Read the configuration again',
  description:
    'Applies what has changed, or with `dryRun` only tells what would. Problems leave all as it was.',
  body: Type.Object(
    {
      dryRun: Type.Optional(Type.Boolean({ description: 'Only tell what would change.' })),
      config: Type.Optional(
        Type.String({
          description:
            'With `dryRun`: a configuration as text, in place of the file of the gateway.',
        }),
      ),
    },
    CLOSED,
  ),
  answer: ReloadResultAnswer,
  otherAnswers: {
    422: Type.Object(ReloadResultAnswer.properties, {
      description: 'The configuration has problems; everything is as before',
    }),
  },
});

/** Documentation of `POST /drain`. */
export const drainSchema = operation({
  operationId: 'drain',
  tag: 'Operation',
  summary: 'Accept no new allocations',
  description: 'Live ones go on; readiness checks fail from now on.',
  body: NoBody,
  answer: StateAnswer,
});

/** Documentation of `POST /undrain`. */
export const undrainSchema = operation({
  operationId: 'undrain',
  tag: 'Operation',
  summary: 'Accept new allocations again',
  description: 'Takes a drain back.',
  body: NoBody,
  answer: StateAnswer,
  otherAnswers: { 409: errorAnswer('The gateway is stopping') },
});

/** Documentation of `POST /revoke`. */
export const revokeSchema = operation({
  operationId: 'revoke',
  tag: 'Sessions',
  summary: 'Refuse a user and end its sessions',
  description:
    'Refuses every credential of the user, also those that are issued later, until a time.',
  body: Type.Object(
    {
      user: { ...NameText, description: 'User id.' },
      until: Type.Optional(
        Type.Union([Type.String({ maxLength: 64 }), Type.Number()], {
          description:
            'RFC 3339 text or unix seconds; without it, as long as a credential issued by now may be valid.',
        }),
      ),
    },
    CLOSED,
  ),
  answer: RevocationAnswer,
  otherAnswers: { 503: errorAnswer('No more users can be revoked') },
});

/** Documentation of `DELETE /revocations/{user}`. */
export const unrevokeSchema = operation({
  operationId: 'unrevoke',
  tag: 'Sessions',
  summary: 'Let a revoked user in again',
  description: 'The user needs a credential that is still valid, as ever.',
  params: Type.Object({ user: { ...NameText, description: 'User id.' } }),
  answer: Type.Object({ userId: Type.String() }, { description: 'Who may come back' }),
  otherAnswers: { 404: errorAnswer('The user is not revoked') },
});

/** Documentation of `POST /loglevel`. */
export const logLevelSchema = operation({
  operationId: 'setLogLevels',
  tag: 'Operation',
  summary: 'Set log levels',
  description: 'Holds until the next change of the configuration or the next start.',
  body: Type.Object(
    {
      levels: Type.String({
        minLength: 1,
        maxLength: NAME_CHARACTERS_MAX,
        description: 'Scopes and levels as in `admin.loglevel`.',
        examples: ['all:INFO,turn:DEBUG'],
      }),
    },
    CLOSED,
  ),
  answer: Type.Object(
    { levels: Type.Record(Type.String(), Type.String()) },
    { description: 'Level by scope' },
  ),
});
