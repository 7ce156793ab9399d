import type { HttpLogRecord } from '../http/shared/answer-log.ts';
import type { Log } from '../log.ts';

/** Writes the answers of an HTTP endpoint to the log: usual ones as details, failures inside as errors. */
export function requestLog(log: Log, scope: string): (record: HttpLogRecord) => void {
  const logger = log.scope(scope);
  return ({ failure, ...request }) => {
    if (failure === undefined) logger.debug(request, 'request answered');
    else logger.error({ ...request, err: failure }, 'request failed');
  };
}
