import { Ajv, type ValidateFunction } from 'ajv';

/** The parts of an OpenAPI description that tests look at. */
export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly securitySchemes: Readonly<Record<string, unknown>> };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly { readonly name: string; readonly description?: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

interface OpenApiResponse {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: object }>>;
}

/** An answer to be held against the description. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** `METHOD /path` of every operation, sorted. */
export function operationsOf({ paths }: OpenApi): string[] {
  const names = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  return names.toSorted();
}

const ajv = new Ajv({ strict: false });
const validators = new WeakMap<object, ValidateFunction>();

/** Says in which way an answer is not what the description of its operation promises; undefined when it is. */
export function undocumented(operation: OpenApiOperation, answer: Answer): string | undefined {
  const { statusCode, headers, body } = answer;
  const response = operation.responses[String(statusCode)];
  if (response === undefined) return `status ${statusCode} is not described`;
  const type = String(headers['content-type']).split(';', 1)[0]!;
  const schema = response.content[type]?.schema;
  if (schema === undefined) return `${type} with status ${statusCode} is not described`;
  const validate = validators.get(schema) ?? ajv.compile(schema);
  validators.set(schema, validate);
  if (validate(type === 'application/json' ? JSON.parse(body) : body)) return undefined;
  return `status ${statusCode}: ${ajv.errorsText(validate.errors)}: ${body}`;
}
