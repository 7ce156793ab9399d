import type { Page } from 'puppeteer-core';
import type { IceServer } from './server-under-test.ts';
import type { WebRtcStats } from './webrtc.ts';

/** A WebRTC caller inside a browser page, relay-only, with a data channel and the camera. */
export interface BrowserCaller {
  /** Makes an offer with all candidates. */
  offer(iceServer: IceServer): Promise<string>;
  /** Takes the answer and resolves once the data channel is open. */
  accept(answerSdp: string): Promise<void>;
  /** Sends texts and resolves with what comes back. */
  echo(texts: readonly string[]): Promise<string[]>;
  /** Resolves once so many frames of the remote video were decoded and presented. */
  presentFrames(count: number): Promise<void>;
  stats(): Promise<WebRtcStats[]>;
  hangUp(): Promise<void>;
}

/** Puts a caller into a page; one call at a time. */
export async function installCaller(page: Page): Promise<BrowserCaller> {
  await page.evaluate(CALLER_SCRIPT);
  const call = <Result>(method: string, ...args: unknown[]): Promise<Result> =>
    page.evaluate(
      `caller.${method}(${args.map((each) => JSON.stringify(each)).join()})`,
    ) as Promise<Result>;
  return {
    offer: (iceServer) => call('offer', iceServer),
    accept: (answerSdp) => call('accept', answerSdp),
    echo: (texts) => call('echo', texts),
    presentFrames: (count) => call('presentFrames', count),
    stats: () => call('stats'),
    hangUp: () => call('hangUp'),
  };
}

// Text, because it runs in the browser and is typed against the browser's own library.
const CALLER_SCRIPT = `
globalThis.caller = {
  async offer(iceServer) {
    const connection = new RTCPeerConnection({ iceServers: [iceServer], iceTransportPolicy: 'relay' });
    this.connection = connection;
    this.channel = connection.createDataChannel('echo');
    this.opened = new Promise((resolve) => { this.channel.onopen = resolve; });
    this.video = document.body.appendChild(document.createElement('video'));
    this.video.muted = true;
    connection.ontrack = ({ track }) => {
      this.video.srcObject = new MediaStream([track]);
      void this.video.play();
    };
    this.camera = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
    for (const track of this.camera.getTracks()) connection.addTrack(track, this.camera);
    const [transceiver] = connection.getTransceivers();
    const { codecs } = RTCRtpSender.getCapabilities('video');
    transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === 'video/VP8'));
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== 'complete') {
      await new Promise((resolve) => { connection.onicegatheringstatechange = resolve; });
    }
    return connection.localDescription.sdp;
  },
  async accept(sdp) {
    await this.connection.setRemoteDescription({ type: 'answer', sdp });
    await this.opened;
  },
  echo(texts) {
    return new Promise((resolve) => {
      const echoed = [];
      this.channel.onmessage = ({ data }) => {
        echoed.push(data);
        if (echoed.length === texts.length) resolve(echoed);
      };
      for (const text of texts) this.channel.send(text);
    });
  },
  async presentFrames(count) {
    for (let frame = 0; frame < count; frame++) {
      await new Promise((resolve) => this.video.requestVideoFrameCallback(resolve));
    }
  },
  async stats() {
    return [...(await this.connection.getStats()).values()];
  },
  hangUp() {
    for (const track of this.camera.getTracks()) track.stop();
    this.connection.close();
    this.video.remove();
  },
};
`;
