import { spawnGateway, type startReady } from './gateway-process.ts';
import { NotifySocket } from './notify-socket.ts';
import type { Owner } from './owner.ts';

/** Starts gateways by a launcher, also such as hides their log, and waits until they say that they serve. */
export function launchBy(owner: Owner, launcher: readonly string[]): typeof startReady {
  return async (configuration, flags, environment) => {
    const manager = new NotifySocket(owner);
    const variables = { ...environment, NOTIFY_SOCKET: manager.path };
    const gateway = await spawnGateway(configuration, flags, variables, launcher);
    try {
      await manager.next((state) => state === 'READY=1');
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  };
}
