import { stringify } from 'yaml';
import { formatHostPort } from '../../config/host-ports.ts';
import { quotedText, shellWord } from './quoting.ts';
import type { SnippetContext, TurnAddress } from './snippet-context.ts';
import { requiredSecret, type Snippet } from './snippet.ts';

const BEANS = 'org.bigbluebutton.web.services.turn';

/** Nextcloud Talk; its servers are settings of the instance. */
export const NEXTCLOUD: Snippet = {
  title: 'Nextcloud Talk',
  place: 'run in the folder of Nextcloud, as the user of the web server',
  comment: '#',
  render: (context) =>
    nextcloudCommands(context, requiredSecret(context, 'Nextcloud Talk')).join(''),
};

/** Jitsi Meet: Prosody hands the servers to its clients (XEP-0215). */
export const JITSI: Snippet = {
  title: 'Jitsi Meet (Prosody)',
  place:
    'prosody.cfg.lua or conf.avail/HOST.cfg.lua; config.js of Jitsi Meet needs useStunTurn: true',
  comment: '--',
  render: ({ addresses, auth, ttlSeconds }) => {
    const credential =
      auth.kind === 'secret'
        ? 'secret = true, algorithm = "turn"'
        : `username = ${quotedText(auth.username)}, password = ${quotedText(auth.password)}`;
    const entries = [
      ...addresses
        .filter(({ transport }) => transport === 'udp')
        .map((address) => `  { type = "stun", ${luaPlace(address)} },\n`),
      ...addresses.map(
        (address) =>
          `  { type = ${quotedText(address.scheme)}, ${luaPlace(address)}, ${credential}, ttl = ${ttlSeconds} },\n`,
      ),
    ];
    const secret =
      auth.kind === 'secret' ? `external_service_secret = ${quotedText(auth.secret)};\n` : '';
    return `${secret}external_services = {\n${entries.join('')}};\n`;
  },
};

/** Synapse and other Matrix homeservers with its settings. */
export const SYNAPSE: Snippet = {
  title: 'Synapse (Matrix)',
  place: 'homeserver.yaml',
  comment: '#',
  render: ({ addresses, auth, ttlSeconds }) =>
    stringify({
      turn_uris: addresses.map(({ uri }) => uri),
      ...(auth.kind === 'secret'
        ? { turn_shared_secret: auth.secret }
        : { turn_username: auth.username, turn_password: auth.password }),
      turn_user_lifetime: ttlSeconds * 1000,
      turn_allow_guests: false,
    }),
};

/** BigBlueButton; it knows shared secrets only. */
export const BIGBLUEBUTTON: Snippet = {
  title: 'BigBlueButton',
  place: '/etc/bigbluebutton/turn-stun-servers.xml',
  comment: undefined,
  render: (context) => {
    const secret = requiredSecret(context, 'BigBlueButton');
    const stun = context.stunUris.map((uri, index) => bean('StunServer', `stun${index}`, [uri]));
    const turn = context.addresses.map(({ uri }, index) =>
      bean('TurnServer', `turn${index}`, [secret, uri, String(context.ttlSeconds)]),
    );
    return `<?xml version="1.0" encoding="UTF-8"?>
<beans xmlns="http://www.springframework.org/schema/beans"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.springframework.org/schema/beans
        http://www.springframework.org/schema/beans/spring-beans-2.5.xsd">
${[...stun, ...turn].join('')}    <bean id="stunTurnService" class="${BEANS}.StunTurnService">
${references('stunServers', 'stun', stun.length)}${references('turnServers', 'turn', turn.length)}    </bean>
</beans>
`;
  },
};

/** One command for each address and scheme; UDP and TCP of one port are one server. */
function nextcloudCommands({ addresses, stunUris }: SnippetContext, secret: string): string[] {
  const servers = new Map<string, { scheme: string; server: string; transports: string[] }>();
  for (const address of addresses) {
    const server = formatHostPort(address);
    const key = `${address.scheme} ${server}`;
    const entry = servers.get(key) ?? { scheme: address.scheme, server, transports: [] };
    entry.transports.push(address.transport);
    servers.set(key, entry);
  }
  const turn = [...servers.values()].map(({ scheme, server, transports }) =>
    command('talk:turn:add', `--secret=${secret}`, scheme, server, transports.join(',')),
  );
  const stun = stunUris.map((uri) => command('talk:stun:add', uri.replace(/^stun:/, '')));
  return [...stun, ...turn];
}

function command(...words: readonly string[]): string {
  return `php occ ${words.map(shellWord).join(' ')}\n`;
}

function luaPlace({ host, port, transport }: TurnAddress): string {
  return `host = ${quotedText(host)}, port = ${port}, transport = "${transport}"`;
}

function bean(kind: string, id: string, values: readonly string[]): string {
  const lines = values.map(
    (value, index) => `        <constructor-arg index="${index}" value="${xmlText(value)}"/>\n`,
  );
  return `    <bean id="${id}" class="${BEANS}.${kind}">\n${lines.join('')}    </bean>\n`;
}

function references(property: string, prefix: string, count: number): string {
  const lines = Array.from(
    { length: count },
    (_, index) => `                <ref bean="${prefix}${index}"/>\n`,
  );
  return `        <property name="${property}">
            <set>
${lines.join('')}            </set>
        </property>
`;
}

function xmlText(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    '"': 'quot',
  };
  return text.replace(/[&<>"]/g, (character) => `&${entities[character]};`);
}
