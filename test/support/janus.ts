import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingTool, TestProcess } from './child-process.ts';
import { freePorts } from './free-ports.ts';
import type { Owner } from './owner.ts';

/** Says why Janus cannot be used, for the `skip` option of a test; false when it is installed. */
export function missingJanus(): string | false {
  return missingTool('janus');
}

/** An answer of the API of Janus; only what is read here. */
interface JanusMessage {
  readonly janus: string;
  readonly data?: { readonly id: number };
  readonly error?: { readonly reason: string };
  readonly jsep?: { readonly sdp: string };
}

/** The Janus media server, asked over HTTP. */
export class Janus {
  readonly child: TestProcess;
  readonly #url: string;

  private constructor(child: TestProcess, url: string) {
    this.child = child;
    this.#url = url;
  }

  /**
   * Starts Janus with nothing but its echo test; it ends with its owner.
   *
   * @param nat - the `nat` section of its configuration.
   */
  static async start(owner: Owner, nat: string): Promise<Janus> {
    const port = await freePorts();
    const folder = await mkdtemp(join(tmpdir(), 'janus-'));
    owner.teardown(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'janus.jcfg'), GENERAL + nat);
    await writeFile(join(folder, 'janus.transport.http.jcfg'), httpSection(port));
    const child = new TestProcess('janus', ['-F', folder]);
    owner.teardown(() => child.stop());
    await child.waitForLine((line) => line.includes('HTTP webserver started'));
    return new Janus(child, `http://127.0.0.1:${port}/janus`);
  }

  /**
   * Has the echo test answer an offer that names all candidates.
   *
   * @param isRelayOnly - Janus is to use relayed addresses alone.
   */
  async answer(offer: string, isRelayOnly: boolean): Promise<string> {
    const session = await this.#create(this.#url, { janus: 'create' });
    const plugin = 'janus.plugin.echotest';
    const handle = await this.#create(session, { janus: 'attach', plugin });
    const jsep = { type: 'offer', sdp: offer, force_relay: isRelayOnly };
    await this.#post(handle, { janus: 'message', body: {}, jsep });
    for (;;) {
      const message = await readMessage(await fetch(`${session}?maxev=1`));
      if (message.jsep !== undefined) return message.jsep.sdp;
    }
  }

  /** Makes something; resolves with its URL. */
  async #create(url: string, request: object): Promise<string> {
    const { data } = await this.#post(url, request);
    return `${url}/${data?.id}`;
  }

  async #post(url: string, request: object): Promise<JanusMessage> {
    const body = JSON.stringify({ ...request, transaction: 'test' });
    return readMessage(await fetch(url, { method: 'POST', body }));
  }
}

async function readMessage(response: Response): Promise<JanusMessage> {
  const message = (await response.json()) as JanusMessage;
  if (message.error !== undefined) throw new Error(`Janus: ${message.error.reason}`);
  return message;
}

const GENERAL = `general: {
  debug_level = 4
  debug_colors = false
}
plugins: { disable = "libjanus_audiobridge.so,libjanus_lua.so,libjanus_duktape.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so" }
transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so" }
`;

function httpSection(port: number): string {
  return `general: { json = "compact", base_path = "/janus", http = true, port = ${port}, ip = "127.0.0.1", https = false }
admin: { admin_http = false }
`;
}
