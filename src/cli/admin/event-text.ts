import type { GatewayEvent } from '../../http/admin/gateway-control.ts';
import type { Colours } from '../terminal/colours.ts';
import { formatData, type OutputFormat } from '../terminal/output.ts';
import { printableLine } from '../terminal/printable.ts';

/** One event: a line for people, a line of JSON, or a YAML document. */
export function eventText(event: GatewayEvent, output: OutputFormat, colours: Colours): string {
  if (output === 'json') return `${JSON.stringify(event)}\n`;
  return output === 'yaml' ? `---\n${formatData(event, output, () => '')}` : line(event, colours);
}

function line({ at, type, data }: GatewayEvent, colours: Colours): string {
  const isTrouble = /failed|denied|refused|expired/.test(type);
  const name = isTrouble ? colours.warning(type) : colours.bold(type);
  const facts = Object.entries(data).map(([key, value]) => ` ${key}=${factText(value)}`);
  return `${at}  ${name} ${printableLine(facts.join(''))}\n`;
}

function factText(value: unknown): string {
  const isPlain = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  return isPlain ? value : JSON.stringify(value);
}
