import { LISTENER_PORT_DEFAULT } from './default-values.ts';
import type { Path, ProblemReport } from './problems.ts';

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Copies plain data with the environment variables of its text values filled in; keys are left alone.
 *
 * `${NAME}` and `${NAME:-default}` work everywhere, `$NAME` only as a whole value outside secrets, and `$${` is a
 * literal `${`. An undefined variable is a problem, and so is data that contains itself.
 *
 * @param value - plain data; not changed.
 * @returns fresh objects and arrays throughout.
 */
export function expandVariables(
  value: unknown,
  environment: Environment,
  report: ProblemReport,
): unknown {
  return new Expansion(environment, report).copy(value, []);
}

/** Escapes a secret for the text of a configuration, so that no `${` in it is read as a variable. */
export function escapeVariables(text: string): string {
  return text.replaceAll('${', '$$${');
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const REFERENCE_BODY = /^([A-Za-z_]\w*)(?::-(.*))?$/s;
const WHOLE_VALUE = /^\$([A-Z_][A-Z0-9_]*)$/;
const VARIABLE_NAME = /^[A-Z_][A-Z0-9_]*$/;

class Expansion {
  readonly #environment: Environment;
  readonly #report: ProblemReport;
  readonly #ancestors = new Set<object>();

  constructor(environment: Environment, report: ProblemReport) {
    this.#environment = environment;
    this.#report = report;
  }

  copy(value: unknown, path: Path): unknown {
    if (typeof value === 'string') return this.#expand(value, path);
    if (typeof value !== 'object' || value === null) return value;
    if (this.#ancestors.has(value)) {
      this.#report.problem(path, 'contains itself');
      return null;
    }
    this.#ancestors.add(value);
    const copy = this.#copyCollection(value, path);
    this.#ancestors.delete(value);
    return copy;
  }

  #copyCollection(value: object, path: Path): unknown {
    if (Array.isArray(value)) return value.map((item, index) => this.copy(item, [...path, index]));
    // fromEntries defines own properties, so that a key named __proto__ stays an ordinary key.
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.copy(item, [...path, key])]),
    );
  }

  #expand(text: string, path: Path): string {
    const wholeName = isSecretPath(path) ? undefined : WHOLE_VALUE.exec(text)?.[1];
    if (wholeName !== undefined) return this.#lookUp(wholeName, undefined, path);
    return text.replace(REFERENCE, (match: string, body?: string, closing?: string) => {
      if (match === '$${') return '${';
      const [, name, fallback] = REFERENCE_BODY.exec(body ?? '') ?? [];
      if (name !== undefined && closing === '}') return this.#lookUp(name, fallback, path);
      this.#report.problem(
        path,
        'has a broken variable; accepted are ${NAME}, ${NAME:-default}, and $${ for a literal ${',
      );
      return match;
    });
  }

  #lookUp(name: string, fallback: string | undefined, path: Path): string {
    const value = this.#valueOf(name);
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback !== undefined) return fallback;
    this.#report.problem(path, undefinedVariable(name));
    return '';
  }

  #valueOf(name: string): string | undefined {
    const value = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
    // STUNner fills this one in by itself, and its stock files rely on it.
    if (name !== 'STUNNER_PORT' || /^\d+$/.test(value ?? '')) return value;
    const publicPort = this.#valueOf('STUNNER_PUBLIC_PORT') ?? '';
    return /^\d+$/.test(publicPort) ? publicPort : String(LISTENER_PORT_DEFAULT);
  }
}

/** What is no usual name may be a part of a secret, also in a place where none belongs. */
function undefinedVariable(name: string): string {
  return VARIABLE_NAME.test(name)
    ? `environment variable ${name} is not defined; define it or write \${${name}:-default}`
    : 'names an environment variable that is not defined; define it, or write $${ for a literal ${';
}

/** A secret may itself be `$ABC`, hence the shorter syntax is off there. */
function isSecretPath(path: Path): boolean {
  const [section, key] = path;
  if (path.at(-1) === 'key_passphrase') return true;
  if (section === 'ice') return key === 'api_keys';
  if (section === 'admin') return key === 'api_token';
  return section === 'auth' && (key === 'credentials' || key === 'users' || key === 'secrets');
}
