import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from './access.ts';
import type { AuditedAction, AuditRecord } from './audit.ts';
import { toApiError } from './errors.ts';
import type { GatewayControl } from './gateway-control.ts';

/** What the changing routes need. */
export interface ChangeRoutesOptions {
  readonly control: GatewayControl;
  readonly access: Access;
  readonly audit?: ((record: AuditRecord) => void) | undefined;
}

/** What came of a change. */
export interface Outcome {
  readonly answer: object;
  /** What the audit log says of it. */
  readonly result: Readonly<Record<string, unknown>>;
  /** Default: 200. */
  readonly statusCode?: number;
}

/** Does what is asked, and has it written down whether it was done or refused. */
export async function audited(
  { access, audit }: ChangeRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  action: AuditedAction,
  parameters: AuditRecord['parameters'],
  perform: () => Promise<Outcome>,
): Promise<object> {
  const record = (statusCode: number, result: AuditRecord['result']): void => {
    const actor = access.actorOf(request);
    audit?.({ actor, clientAddress: request.ip, action, parameters, statusCode, result });
  };
  try {
    const { answer, result, statusCode = 200 } = await perform();
    record(statusCode, result);
    void reply.code(statusCode);
    return answer;
  } catch (error) {
    const { statusCode, code, message } = toApiError(error);
    record(statusCode, { code, message });
    throw error;
  }
}
