import { TARGET } from '../../support/attacked-gateway.ts';
import { floodScenario } from '../../support/flood.ts';

/** With so little of a processor a gateway can handle less than a fifth of what another processor sends. */
const SHARE = 0.1;

/** Floods of what costs a client nothing to send, from forged addresses. */
export const FLOODS = [
  floodScenario({ name: 'binding-flood', kind: 'binding' }),
  floodScenario({ name: 'allocate-flood', kind: 'allocate' }),
  floodScenario({ name: 'bad-credential-flood', kind: 'badCredential' }),
  floodScenario({ name: 'dtls-hello-flood', kind: 'dtlsHello', port: TARGET.dtlsPort }),
  floodScenario({ name: 'garbage-flood', kind: 'garbage' }),
  floodScenario({ name: 'data-flood', kind: 'channelData' }),
  floodScenario({ name: 'saturating-binding-flood', kind: 'binding', share: SHARE }),
  floodScenario({ name: 'saturating-allocate-flood', kind: 'allocate', share: SHARE }),
  floodScenario({ name: 'saturating-garbage-flood', kind: 'garbage', share: SHARE }),
];
