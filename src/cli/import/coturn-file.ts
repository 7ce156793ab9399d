import { GatewayError } from '../../errors.ts';

/** One setting of a coturn configuration file. */
export interface CoturnSetting {
  readonly name: string;
  /** Text behind the name; empty for a bare switch. */
  readonly value: string;
  /** Counts from 1. */
  readonly line: number;
}

/** A coturn configuration file (`turnserver.conf`) as its settings in order. */
export class CoturnFile {
  readonly settings: readonly CoturnSetting[];

  /** @param text - lines of `name`, `name=value` or `name value`; `#` begins a comment line. */
  constructor(text: string) {
    this.settings = text.split(/\r\n|\n|\r/).flatMap(settingOf);
    const binary = this.settings.find(({ name }) => /[^\x21-\x7e]/.test(name));
    if (binary !== undefined) {
      const detail = `line ${binary.line} is no setting of a turnserver.conf; is this the right file?`;
      throw new GatewayError('GW_ERR_USAGE', detail);
    }
  }

  /** Every setting of a name; those of a switch that is turned off are left out. */
  all(name: string): readonly CoturnSetting[] {
    return this.settings.filter((setting) => setting.name === name);
  }

  /** The setting that counts when coturn takes one: the last. */
  last(name: string): CoturnSetting | undefined {
    return this.all(name).at(-1);
  }

  /** The last setting of a name when its value is not empty. */
  text(name: string): CoturnSetting | undefined {
    const setting = this.last(name);
    return setting?.value === '' ? undefined : setting;
  }

  /** A switch that is on: bare, or with a value that does not say no. */
  flag(name: string): CoturnSetting | undefined {
    const setting = this.last(name);
    return setting === undefined || /^(?:0|n|f|off)/i.test(setting.value) ? undefined : setting;
  }
}

/** Where a setting stands, for remarks. */
export function placeOf({ name, line }: CoturnSetting): string {
  return `line ${line}: ${name}`;
}

/** coturn takes blanks and `=` alike, and quotes around the whole value. */
function settingOf(text: string, index: number): CoturnSetting[] {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  if (trimmed === '' || trimmed.startsWith('#')) return [];
  const [, name = '', value = ''] = /^([^\s=]+)[\s=]*(.*)$/s.exec(trimmed) ?? [];
  return [{ name, value: value.replace(/^"(.*?)"*$/s, '$1'), line: index + 1 }];
}
