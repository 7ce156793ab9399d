import { isIpv6, isUnspecified, parseIp } from '../../config/addresses.ts';
import {
  CIPHERS_DEFAULT,
  LISTENER_PORT_DEFAULT,
  SECURE_PORT_DEFAULT,
} from '../../config/default-values.ts';
import { escapeVariables } from '../../config/environment.ts';
import { parseIpPort } from '../ip-port.ts';
import { Remarked } from './commented-yaml.ts';
import type { SecretText } from './coturn-authentication.ts';
import { placeOf, type CoturnFile, type CoturnSetting } from './coturn-file.ts';
import type { ImportedRelay } from './coturn-relay.ts';
import type { ImportNotes } from './import-notes.ts';

/** What every listener has in common. */
export interface ListenerCommons {
  readonly relay: ImportedRelay;
  readonly routes: readonly string[];
  readonly secretText: SecretText;
}

const NO_DTLS = [
  'no DTLS listener was made, since no browser uses TURN over DTLS;',
  'if your clients do, copy the TLS listener with protocol: DTLS',
].join(' ');

type Protocol = 'UDP' | 'TCP' | 'TLS' | 'DTLS';

interface Place {
  readonly bind: string | undefined;
  readonly setting: CoturnSetting | undefined;
  /** Of an aux-server, which has plain and secure clients on one port. */
  readonly port?: number;
}

/** The listeners: coturn has one port for UDP and TCP and one for TLS and DTLS on every address. */
export function importListeners(
  file: CoturnFile,
  commons: ListenerCommons,
  notes: ImportNotes,
): object[] {
  const plain = portOf(file, 'listening-port', LISTENER_PORT_DEFAULT, notes);
  const secure = portOf(file, 'tls-listening-port', SECURE_PORT_DEFAULT, notes);
  const tls = tlsSection(file, commons.secretText, notes);
  const main = placesOf(file, notes);
  const wanted = [
    ...protocols(file, ['UDP', 'TCP']).flatMap((protocol) =>
      [...main, ...auxiliaries(file, notes)].map((place) => ({ protocol, place, port: plain })),
    ),
    ...(tls === undefined ? [] : secureProtocols(file, notes)).flatMap((protocol) =>
      main.map((place) => ({ protocol, place, port: secure })),
    ),
  ];
  return wanted.map(({ protocol, place, port }) => {
    const isSecure = protocol === 'TLS' || protocol === 'DTLS';
    return {
      name: nameOf(protocol, place, main.length),
      protocol,
      bind:
        place.setting === undefined ? undefined : new Remarked(place.bind, placeOf(place.setting)),
      port: place.port ?? port,
      ...commons.relay.listenerKeys(place.bind),
      tls: isSecure ? tls : undefined,
      routes: commons.routes,
    };
  });
}

function nameOf(protocol: Protocol, { bind, port }: Place, places: number): string {
  const word = protocol.toLowerCase();
  if (port !== undefined) return `${word}-${bind}-${port}`;
  return places > 1 ? `${word}-${bind}` : word;
}

function protocols<Name extends Protocol>(file: CoturnFile, names: readonly Name[]): Name[] {
  return names.filter((name) => file.flag(`no-${name.toLowerCase()}`) === undefined);
}

function secureProtocols(file: CoturnFile, notes: ImportNotes): Protocol[] {
  const names = protocols<Protocol>(file, ['TLS', 'DTLS']);
  if (!names.includes('DTLS') || file.flag('dtls') !== undefined) return names;
  notes.general(NO_DTLS);
  return names.filter((name) => name !== 'DTLS');
}

function placesOf(file: CoturnFile, notes: ImportNotes): Place[] {
  const places = file.all('listening-ip').flatMap((setting): Place[] => {
    const bind = parseIp(setting.value);
    if (bind === undefined) notes.setting(setting, 'is no IP address; left out');
    return bind === undefined ? [] : [{ bind, setting }];
  });
  const seen = new Set<string>();
  const unique = places.filter(({ bind }) => !seen.has(bind!) && seen.add(bind!));
  const wildcards = unique.filter(({ bind }) => isUnspecified(bind!));
  const kept = unique.filter(
    (place) =>
      wildcards.includes(place) ||
      !wildcards.some(({ bind }) => isIpv6(bind!) === isIpv6(place.bind!)),
  );
  return kept.length > 0 ? kept : [{ bind: undefined, setting: undefined }];
}

function auxiliaries(file: CoturnFile, notes: ImportNotes): Place[] {
  return file.all('aux-server').flatMap((setting): Place[] => {
    const address = parseIpPort(setting.value);
    if (address === undefined) {
      notes.setting(setting, 'is not address:port; left out');
      return [];
    }
    return [{ bind: address.ip(), setting, port: address.port }];
  });
}

function portOf(file: CoturnFile, name: string, initial: number, notes: ImportNotes): unknown {
  const setting = file.text(name);
  if (setting === undefined) return initial;
  const port = Number(setting.value);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) {
    return new Remarked(port, placeOf(setting));
  }
  notes.setting(setting, `is no port; ${initial} is taken`);
  return initial;
}

/** Undefined when coturn serves no TLS: without a certificate it does not. */
function tlsSection(
  file: CoturnFile,
  secretText: SecretText,
  notes: ImportNotes,
): object | undefined {
  const [cert, key] = [file.text('cert'), file.text('pkey')];
  const secure = protocols(file, ['TLS', 'DTLS']);
  const one = cert ?? key;
  if (one === undefined || secure.length === 0) return undefined;
  if (cert === undefined || key === undefined) {
    notes.setting(
      one,
      'certificate and key are needed both (cert, pkey); no TLS listener was made',
    );
    return undefined;
  }
  noteRelativePath(cert, notes);
  noteRelativePath(key, notes);
  const passphrase = file.text('pkey-pwd');
  const authority = file.text('CA-file');
  const newest = file.flag('no-tlsv1_2');
  return {
    cert_file: fileText(cert),
    key_file: fileText(key),
    key_passphrase:
      passphrase &&
      new Remarked(secretText(escapeVariables(passphrase.value)), placeOf(passphrase)),
    min_version: newest && new Remarked('TLSv1.3', placeOf(newest)),
    ciphers: ciphersOf(file, notes),
    client_ca_file: authority && fileText(authority),
  };
}

function ciphersOf(file: CoturnFile, notes: ImportNotes): Remarked | undefined {
  const setting = file.text('cipher-list');
  if (setting === undefined) return undefined;
  if (/^(?:DEFAULT|ALL|HIGH|MEDIUM)\b/.test(setting.value)) {
    const text = `is not taken over: it lets in suites without forward secrecy; the default is ${CIPHERS_DEFAULT}`;
    notes.setting(setting, text);
    return undefined;
  }
  return new Remarked(setting.value, placeOf(setting));
}

function fileText(setting: CoturnSetting): Remarked {
  return new Remarked(escapeVariables(setting.value), placeOf(setting));
}

function noteRelativePath(setting: CoturnSetting, notes: ImportNotes): void {
  if (setting.value.startsWith('/')) return;
  notes.setting(setting, 'a relative path counts from the folder of the new configuration file');
}
