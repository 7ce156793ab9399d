import { ALLOCATE } from './cases/allocate.ts';
import { BINDING } from './cases/binding.ts';
import { CHALLENGE } from './cases/challenge.ts';
import { CHANNEL_DATA } from './cases/channel-data.ts';
import { CHANNELS } from './cases/channel.ts';
import { DATA } from './cases/data.ts';
import { EVEN_PORT } from './cases/even-port.ts';
import { LONG_TERM_CREDENTIAL } from './cases/long-term-credential.ts';
import { MESSAGE_FORM } from './cases/message-form.ts';
import { PASSWORD_ALGORITHM } from './cases/password-algorithms.ts';
import { PERMISSION } from './cases/permission.ts';
import { REFRESH } from './cases/refresh.ts';
import { SECURE_TRANSPORT } from './cases/secure-transport.ts';
import { STREAM_FRAMING } from './cases/stream-framing.ts';
import { TIME_LIMITED_CREDENTIAL } from './cases/time-limited-credential.ts';
import type { Topic } from './conformance-case.ts';

/** All cases, in the order in which they are told. */
export const TOPICS: readonly Topic[] = [
  BINDING,
  MESSAGE_FORM,
  STREAM_FRAMING,
  SECURE_TRANSPORT,
  CHALLENGE,
  LONG_TERM_CREDENTIAL,
  PASSWORD_ALGORITHM,
  TIME_LIMITED_CREDENTIAL,
  ALLOCATE,
  EVEN_PORT,
  REFRESH,
  PERMISSION,
  CHANNELS,
  DATA,
  CHANNEL_DATA,
];

/** The topics and cases whose names contain one of these texts; all when there is none. */
export function chosenTopics(topics: readonly Topic[], only: readonly string[]): Topic[] {
  const isChosen = (name: string): boolean =>
    only.length === 0 || only.some((text) => name.includes(text));
  return topics
    .map(({ name, cases }) => ({
      name,
      cases: cases.filter(({ id }) => isChosen(name) || isChosen(id)),
    }))
    .filter(({ cases }) => cases.length > 0);
}
