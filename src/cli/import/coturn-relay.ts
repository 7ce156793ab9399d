import { isIpv6, isUnspecified, parseIp } from '../../config/addresses.ts';
import { RELAY_MAX_PORT_DEFAULT, RELAY_MIN_PORT_DEFAULT } from '../../config/default-values.ts';
import { RELAY_BIND_ATTEMPTS_MAX, WORKERS_MAX } from '../../limits.ts';
import { Remarked } from './commented-yaml.ts';
import { placeOf, type CoturnFile, type CoturnSetting } from './coturn-file.ts';
import type { ImportNotes } from './import-notes.ts';

const PORT_MIN = 1024;
const PORT_MAX = 65_535;
const DEFAULT_PORTS = `${RELAY_MIN_PORT_DEFAULT}-${RELAY_MAX_PORT_DEFAULT}`;

/** The `relay` section, and what it means for listeners. */
export interface ImportedRelay {
  readonly section: object | undefined;
  /**
   * Keys of a listener that tell clients the public address.
   *
   * @param bind - address that it listens on; undefined: all.
   */
  listenerKeys(bind: string | undefined): object;
}

interface ExternalAddress {
  readonly setting: CoturnSetting;
  readonly publicIp: string;
  readonly privateIp: string | undefined;
}

interface BoundAddress {
  readonly ip: string;
  readonly setting: CoturnSetting;
}

/** Turns `relay-ip`, `external-ip` and the relay ports into the `relay` section. */
export function importRelay(file: CoturnFile, notes: ImportNotes): ImportedRelay {
  const external = externalAddresses(file, notes);
  const bound = boundAddresses(file, external, notes);
  const addresses = bound.map(({ ip, setting }) => {
    const match = externalOf(external, ip);
    return {
      bind: new Remarked(ip, placeOf(setting)),
      advertise: match && new Remarked(match.publicIp, placeOf(match.setting)),
    };
  });
  const workers = workersOf(file, notes);
  const section = {
    ...portsOf(file, workers?.value as number | undefined, notes),
    addresses: addresses.length === 0 ? undefined : addresses,
    workers,
  };
  const isUsed = Object.values(section).some((value) => value !== undefined);
  return {
    section: isUsed ? section : undefined,
    listenerKeys: (bind) => listenerKeys(bind, external, bound),
  };
}

function listenerKeys(
  bind: string | undefined,
  external: readonly ExternalAddress[],
  bound: readonly BoundAddress[],
): object {
  const isKnown = bind !== undefined && !isUnspecified(bind);
  const match = isKnown ? externalOf(external, bind) : external.at(0);
  const publicIp = match?.publicIp ?? (isKnown ? bind : undefined);
  if (publicIp === undefined) return {};
  const origin = match && placeOf(match.setting);
  const text = origin === undefined ? publicIp : new Remarked(publicIp, origin);
  const isAdvertised = bound.some(({ ip }) => isIpv6(ip) === isIpv6(publicIp));
  return {
    // Without a local address to bind to, this is how clients are told the public one.
    address: match === undefined || isAdvertised ? undefined : text,
    public_address: text,
  };
}

/** The public address that stands for a local one: by name, or the one without a name. */
function externalOf(external: readonly ExternalAddress[], ip: string): ExternalAddress | undefined {
  return (
    external.find(({ privateIp }) => privateIp === ip) ??
    external.find(
      ({ privateIp, publicIp }) => privateIp === undefined && isIpv6(publicIp) === isIpv6(ip),
    )
  );
}

function externalAddresses(file: CoturnFile, notes: ImportNotes): ExternalAddress[] {
  return file.all('external-ip').flatMap((setting) => {
    const [publicText = '', privateText] = setting.value.split('/');
    const publicIp = parseIp(publicText.trim());
    const privateIp = privateText === undefined ? undefined : parseIp(privateText.trim());
    if (publicIp === undefined || (privateText !== undefined && privateIp === undefined)) {
      notes.setting(setting, 'is not PUBLIC-IP or PUBLIC-IP/PRIVATE-IP; left out');
      return [];
    }
    return [{ setting, publicIp, privateIp }];
  });
}

/** The first address of each family, from `relay-ip`, else `external-ip`, else `listening-ip`. */
function boundAddresses(
  file: CoturnFile,
  external: readonly ExternalAddress[],
  notes: ImportNotes,
): BoundAddress[] {
  const relay = file.all('relay-ip').flatMap((setting) => readIp(setting, notes));
  const mapped = external.flatMap(({ setting, privateIp }) =>
    privateIp === undefined ? [] : [{ ip: privateIp, setting }],
  );
  const listening = file
    .all('listening-ip')
    .flatMap((setting) => readIp(setting, undefined))
    .filter(({ ip }) => !isUnspecified(ip));
  const source = [relay, mapped, listening].find((addresses) => addresses.length > 0) ?? [];
  return source.filter(({ ip, setting }, index) => {
    const first = source.findIndex((other) => isIpv6(other.ip) === isIpv6(ip));
    if (first === index || source[first]?.ip === ip) return first === index;
    notes.setting(setting, `one relay address per family is used; ${ip} is left out`);
    return false;
  });
}

function readIp(setting: CoturnSetting, notes: ImportNotes | undefined): BoundAddress[] {
  const ip = parseIp(setting.value);
  if (ip === undefined) notes?.setting(setting, 'is no IP address; left out');
  return ip === undefined ? [] : [{ ip, setting }];
}

function workersOf(file: CoturnFile, notes: ImportNotes): Remarked | undefined {
  const setting = file.text('relay-threads');
  if (setting === undefined || setting.value === '0') return undefined;
  const count = Number(setting.value);
  if (Number.isInteger(count) && count > 0) {
    return new Remarked(Math.min(count, WORKERS_MAX), placeOf(setting));
  }
  notes.setting(setting, 'is no number of threads; there is one worker per core');
  return undefined;
}

function portsOf(file: CoturnFile, workers = 1, notes: ImportNotes): object {
  const min = file.text('min-port');
  const max = file.text('max-port');
  const one = min ?? max;
  if (one === undefined) return {};
  const low = Number(min?.value ?? RELAY_MIN_PORT_DEFAULT);
  const high = Number(max?.value ?? RELAY_MAX_PORT_DEFAULT);
  const needed = RELAY_BIND_ATTEMPTS_MAX * workers;
  const isUsable = Number.isInteger(low) && Number.isInteger(high) && high <= PORT_MAX;
  if (!isUsable || low < PORT_MIN || high - low + 1 < needed) {
    const text = `${needed} or more ports of ${PORT_MIN}-${PORT_MAX} are needed; ${DEFAULT_PORTS} are taken, open them`;
    notes.setting(one, text);
    return {};
  }
  return {
    min_port: min && new Remarked(low, placeOf(min)),
    max_port: max && new Remarked(high, placeOf(max)),
  };
}
