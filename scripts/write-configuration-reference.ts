import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { jsonSchema } from '../src/config/schema.ts';
import { withKeyLists } from './configuration-page.ts';

const PAGE = 'docs/configuration.md';
const SCHEMA = 'config/turnpike.schema.json';

// `npm run docs:config`: what is generated from src/config/schema.ts, for a test that it is up to date.
const schema = jsonSchema();
writeFileSync(SCHEMA, await formatted(SCHEMA, JSON.stringify(schema, undefined, 2)));
writeFileSync(PAGE, await formatted(PAGE, withKeyLists(readFileSync(PAGE, 'utf8'), schema)));

async function formatted(filepath: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}
