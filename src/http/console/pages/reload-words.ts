import type { ReloadResult } from '../../admin/gateway-control.ts';
import { formatNumberOf } from './format.ts';

/** What a reload has done or would do, in words. */
export function reloadWords({ outcome, changes, problems, kept }: ReloadResult): string {
  const count = changes.length - kept.length;
  const made = formatNumberOf(count, 'change');
  const rest = kept.length === 0 ? '' : ` A restart is needed for ${kept.join(', ')}.`;
  switch (outcome) {
    case 'applied':
      return `${count === 0 ? 'Nothing' : made} came into force.${rest}`;
    case 'unchanged':
      return 'The file says what is in force already.';
    case 'dryRun':
      return `The file can be used. A reload would ${count === 0 ? 'change nothing' : `make ${made}`}.${rest}`;
    default:
      return `The file has ${formatNumberOf(problems.length, 'problem')}; everything is as before.`;
  }
}
