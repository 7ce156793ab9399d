/** Opens camera and microphone; rejects with an Error that says in words why it cannot. */
export async function openCamera() {
  if (navigator.mediaDevices === undefined) {
    throw new Error('Browsers allow the camera on https and on localhost only.');
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: true,
      video: { width: { ideal: 640 }, height: { ideal: 480 } },
    });
  } catch (error) {
    throw new Error(`Camera and microphone cannot be used: ${error.message}.`, { cause: error });
  }
}

/**
 * The connection of this browser to the media server.
 *
 * Events: `candidate` and `stream` with the thing as `detail`, `connected`, `interrupted` and `failed`.
 */
export class Peer extends EventTarget {
  #connection;
  /** Addresses of the media server that came before its description. */
  #early = [];

  /**
   * @param iceConfiguration what the gateway has handed out
   * @param transport `any`, or the only one by which the gateway is to be reached
   * @param stream of the camera
   */
  constructor(iceConfiguration, transport, stream) {
    super();
    const connection = new RTCPeerConnection(onlyOver(transport, iceConfiguration));
    this.#connection = connection;
    for (const track of stream.getTracks()) connection.addTrack(track, stream);
    connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.candidate) this.#tell('candidate', candidate.toJSON());
    });
    const remote = new MediaStream();
    connection.addEventListener('track', ({ track }) => {
      remote.addTrack(track);
      this.#tell('stream', remote);
    });
    connection.addEventListener('connectionstatechange', () => {
      const events = { connected: 'connected', disconnected: 'interrupted', failed: 'failed' };
      const event = events[connection.connectionState];
      if (event !== undefined) this.#tell(event);
    });
  }

  /** Makes the offer of this browser. */
  async offer() {
    await this.#connection.setLocalDescription();
    return this.#connection.localDescription.sdp;
  }

  /** Answers an offer of the media server. */
  async answer(sdp) {
    await this.#takeDescription({ type: 'offer', sdp });
    return this.offer();
  }

  /** Takes the answer of the media server. */
  async accept(sdp) {
    await this.#takeDescription({ type: 'answer', sdp });
  }

  /** Takes an address of the media server. */
  async addCandidate(candidate) {
    if (this.#connection.remoteDescription === null) this.#early.push(candidate);
    else await this.#connection.addIceCandidate(candidate);
  }

  /** Everything that is measured. */
  statistics() {
    return this.#connection.getStats();
  }

  close() {
    this.#connection.close();
  }

  async #takeDescription(description) {
    await this.#connection.setRemoteDescription(description);
    for (const candidate of this.#early.splice(0)) {
      await this.#connection.addIceCandidate(candidate);
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Names the transports by which a configuration lets the gateway be reached. */
export function transportsOf({ iceServers }) {
  return new Set(iceServers.flatMap(({ urls }) => urls.map(transportOf)));
}

function onlyOver(transport, { iceServers, iceTransportPolicy }) {
  const isWanted = (url) => transport === 'any' || transportOf(url) === transport;
  const wanted = iceServers.map((server) => ({ ...server, urls: server.urls.filter(isWanted) }));
  return { iceServers: wanted.filter(({ urls }) => urls.length > 0), iceTransportPolicy };
}

function transportOf(url) {
  if (url.startsWith('turns:')) return 'tls';
  return url.endsWith('?transport=tcp') ? 'tcp' : 'udp';
}
