import { TARGET } from '../../support/attacked-gateway.ts';
import { floodScenario } from '../../support/flood.ts';

/** Floods of what costs a client nothing to send, from forged addresses. */
export const FLOODS = [
  floodScenario('binding-flood', 'binding'),
  floodScenario('allocate-flood', 'allocate'),
  floodScenario('bad-credential-flood', 'badCredential'),
  floodScenario('dtls-hello-flood', 'dtlsHello', TARGET.dtlsPort),
  floodScenario('garbage-flood', 'garbage'),
];
