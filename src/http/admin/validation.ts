import { Ajv, type ErrorObject } from 'ajv';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiError } from './errors.ts';

const NAME_CHARACTERS_MAX = 64;

/** Reads JSON bodies, possibly empty, and refuses all others. */
export function acceptJsonBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    (request: FastifyRequest, body: string, done) => {
      if (body.trim() === '') done(null, undefined);
      else void parseJson(request, body, done);
    },
  );
}

/** Refuses every parameter that a schema does not know: a misspelt `dryRun` must not reload. */
export function validateStrictly(app: FastifyInstance): void {
  const bodies = new Ajv({ useDefaults: true, strict: true });
  const texts = new Ajv({ useDefaults: true, strict: true, coerceTypes: true });
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const isBody = httpPart === 'body';
    const validate = (isBody ? bodies : texts).compile(schema as object);
    return (value: unknown) => {
      const data = isBody && (value === undefined || value === null) ? {} : value;
      if (validate(data)) return { value: data };
      return { error: apiError('API_ERR_PARAMETER', problemText(validate.errors?.[0], isBody)) };
    };
  });
  app.setSerializerCompiler(() => JSON.stringify);
}

function problemText(error: ErrorObject | undefined, isBody: boolean): string {
  const name = error?.instancePath.slice(1).replaceAll('/', '.') ?? '';
  const subject = name === '' ? `the ${isBody ? 'body' : 'query'}` : name;
  if (error?.keyword === 'additionalProperties') {
    const unknown = String(error.params['additionalProperty']).slice(0, NAME_CHARACTERS_MAX);
    return `${subject} has an unknown parameter ${JSON.stringify(unknown)}`;
  }
  return `${subject} ${error?.message ?? 'is malformed'}`;
}
