import type { Actor } from './access.ts';

/** What is asked to change. */
export type AuditedAction =
  'kick' | 'reload' | 'drain' | 'undrain' | 'revoke' | 'unrevoke' | 'loglevel' | 'testCredential';

/** A request that changes something, whatever came of it; no secrets. */
export interface AuditRecord {
  readonly actor: Actor;
  readonly clientAddress: string;
  readonly action: AuditedAction;
  /** What was asked for. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** HTTP status of the answer. */
  readonly statusCode: number;
  /** What it has done, or the code and the message of the refusal. */
  readonly result: Readonly<Record<string, unknown>>;
}
