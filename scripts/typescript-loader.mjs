// `node --import ./scripts/typescript-loader.mjs FILE.ts` runs TypeScript; the tests run with it, see .taprc.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
