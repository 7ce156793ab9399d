/** A session description as WebRTC applications exchange it. */
export interface SessionDescription {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}

/** One entry of a stats report; only what the tests read. */
export interface WebRtcStats {
  readonly id: string;
  readonly type: string;
  readonly [name: string]: unknown;
}

/** The part of RTCDataChannel that every stack has. */
export interface WebRtcChannel {
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  send(text: string): void;
}

/** The part of RTCPeerConnection that every stack has. */
export interface WebRtcConnection {
  readonly iceGatheringState: string;
  readonly localDescription: { readonly sdp: string } | null;
  onicegatheringstatechange: ((event: never) => unknown) | null;
  createDataChannel(label: string): WebRtcChannel;
  createOffer(): Promise<unknown>;
  setLocalDescription(description: never): Promise<unknown>;
  setRemoteDescription(description: SessionDescription): Promise<unknown>;
  getStats(): Promise<{ forEach(visit: (stats: WebRtcStats) => void): void }>;
  close(): unknown;
}

/** Makes an offer that already names every candidate. */
export async function offerWithCandidates(connection: WebRtcConnection): Promise<string> {
  const offer = await connection.createOffer();
  const gathered = new Promise<void>((resolve) => {
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState === 'complete') resolve();
    };
  });
  await connection.setLocalDescription(offer as never);
  if (connection.iceGatheringState !== 'complete') await gathered;
  return connection.localDescription!.sdp;
}

/** Sends each text once the channel opens, which it must not have done yet, and resolves with what comes back for each. */
export function echo(channel: WebRtcChannel, texts: readonly string[]): Promise<string[]> {
  return new Promise((resolve) => {
    const echoed: string[] = [];
    const sendAll = (): void => texts.forEach((text) => channel.send(text));
    // Not every stack has addEventListener.
    // oxlint-disable-next-line prefer-add-event-listener
    channel.onmessage = (event: { data: unknown }) => {
      echoed.push(String(event.data));
      if (echoed.length === texts.length) resolve(echoed);
    };
    // oxlint-disable-next-line prefer-add-event-listener
    channel.onopen = sendAll;
  });
}

/** Types of the candidates in a session description, each once. */
export function candidateTypes(sdp: string): string[] {
  return [...new Set([...sdp.matchAll(/^a=candidate:.* typ (\w+)/gm)].map(([, type]) => type!))];
}

/** Throws an Error that says which there are when not all candidates are relayed ones. */
export function expectRelayedOnly(sdp: string): void {
  const types = candidateTypes(sdp).join();
  if (types !== 'relay') throw new Error(`candidates: ${types}`);
}

/** A session description without the candidates that are not on `address`. */
export function onlyCandidatesOn(address: string, sdp: string): string {
  return sdp
    .split('\r\n')
    .filter((line) => !line.startsWith('a=candidate:') || line.split(' ')[4] === address)
    .join('\r\n');
}
