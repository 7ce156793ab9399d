// `node --import ./assurance/support/mutation.mjs` loads one source file other than it is, as TURNPIKE_MUTATION says.
import { register } from 'node:module';

register('./mutation-hooks.mjs', import.meta.url, {
  data: JSON.parse(process.env.TURNPIKE_MUTATION),
});
