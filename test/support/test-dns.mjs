// Preloaded into a gateway by `node --import`: sends its look-ups to the DNS server of a test, which TEST_DNS_SERVER
// names, and looks again after TEST_DNS_INTERVAL_MS, 50 unless given, where the gateway would wait for the shortest TTL
// it accepts.
import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { DNS_TTL_MIN_SECONDS } from '../../dist/limits.js';

const LOOK_UP_INTERVAL_MS = Number(process.env.TEST_DNS_INTERVAL_MS ?? 50);

if (isMainThread) {
  const { Resolver } = dns;
  dns.Resolver = class extends Resolver {
    constructor(options) {
      super(options);
      this.setServers([process.env.TEST_DNS_SERVER]);
    }
  };
  syncBuiltinESMExports();

  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, delayMs, ...args) => {
    const isLookUp = delayMs === DNS_TTL_MIN_SECONDS * 1000;
    return setTimeout(callback, isLookUp ? LOOK_UP_INTERVAL_MS : delayMs, ...args);
  };
}
