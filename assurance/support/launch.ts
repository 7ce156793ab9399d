import { spawnGateway, type startReady } from '../../test/support/gateway-process.ts';
import { poll } from '../../test/support/poll.ts';

/** Starts gateways by a launcher, also such as hides their log, and waits until they are ready. */
export function launchBy(launcher: readonly string[]): typeof startReady {
  return async (configuration, flags, environment) => {
    const gateway = await spawnGateway(configuration, flags, environment, launcher);
    const { admin } = configuration as { admin: Readonly<Record<string, string>> };
    const endpoints = ['healthcheck_endpoint', 'api_endpoint', 'metrics_endpoint'];
    try {
      for (const endpoint of endpoints) await poll(() => isServed(admin[endpoint]!), Boolean);
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  };
}

async function isServed(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.text();
  return response !== undefined;
}
