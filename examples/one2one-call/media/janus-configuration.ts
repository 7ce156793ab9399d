import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaPlace } from './media-server.ts';

/** Loopback, where only the application server is. */
const API_HOST = '127.0.0.1';
/** What Janus would load besides: Debian installs all of it, and none of it is needed. */
const IDLE_PLUGINS = [
  'audiobridge',
  'duktape',
  'echotest',
  'lua',
  'nosip',
  'recordplay',
  'sip',
  'streaming',
  'textroom',
  'videoroom',
  'voicemail',
];
const IDLE_TRANSPORTS = ['http', 'mqtt', 'nanomsg', 'pfunix', 'rabbitmq'];

/** Where the WebSocket API of Janus is. */
export function janusUrl(port: number): string {
  return `ws://${API_HOST}:${port}`;
}

/** Writes the configuration of a Janus that carries calls at one address, and nothing else. */
export async function writeJanusConfiguration(
  folder: string,
  { address, ports }: MediaPlace,
  apiPort: number,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const isIpv6 = address.includes(':');
  await writeFile(
    join(folder, 'janus.jcfg'),
    `general: {
  debug_level = 3
  debug_colors = false
}
nat: {
  ice_enforce_list = "${address}"
  full_trickle = true
}
media: {
  ipv6 = ${isIpv6}
  rtp_port_range = "${ports.min}-${ports.max}"
}
plugins: { disable = "${files(IDLE_PLUGINS)}" }
transports: { disable = "${files(IDLE_TRANSPORTS)}" }
events: { broadcast = false }
`,
  );
  await writeFile(
    join(folder, 'janus.transport.websockets.jcfg'),
    `general: {
  ws = true
  ws_port = ${apiPort}
  ws_ip = "${API_HOST}"
  wss = false
}
admin: { admin_ws = false, admin_wss = false }
`,
  );
}

function files(names: readonly string[]): string {
  return names.map((name) => `libjanus_${name}.so`).join();
}
