import { amplification } from './scenarios/attacks/amplification.ts';
import { cost } from './scenarios/attacks/cost.ts';
import { expiry } from './scenarios/attacks/expiry.ts';
import { FLOODS } from './scenarios/attacks/floods.ts';
import { guessing } from './scenarios/attacks/guessing.ts';
import { http } from './scenarios/attacks/http.ts';
import { logs } from './scenarios/attacks/logs.ts';
import { quota } from './scenarios/attacks/quota.ts';
import { reflection } from './scenarios/attacks/reflection.ts';
import { slowReaders } from './scenarios/attacks/slow-readers.ts';
import { slowloris } from './scenarios/attacks/slowloris.ts';
import { timing } from './scenarios/attacks/timing.ts';
import { chaosCorruption } from './scenarios/chaos/chaos-corruption.ts';
import { chaosLoss } from './scenarios/chaos/chaos-loss.ts';
import { chaosPath } from './scenarios/chaos/chaos-path.ts';
import { independentClients } from './scenarios/clients/independent-clients.ts';
import { one2oneCall } from './scenarios/clients/one2one-call.ts';
import { backendDown } from './scenarios/faults/backend-down.ts';
import { clock } from './scenarios/faults/clock.ts';
import { descriptors } from './scenarios/faults/descriptors.ts';
import { dns } from './scenarios/faults/dns.ts';
import { drain } from './scenarios/faults/drain.ts';
import { killWorker } from './scenarios/faults/kill-worker.ts';
import { blockedStdout, diskFull } from './scenarios/faults/log-faults.ts';
import { memory } from './scenarios/faults/memory.ts';
import { ports } from './scenarios/faults/ports.ts';
import { reloadStorm } from './scenarios/faults/reload-storm.ts';
import { rotations } from './scenarios/faults/rotations.ts';
import { sendErrors } from './scenarios/faults/send-errors.ts';
import { stopped } from './scenarios/faults/stopped.ts';
import { configFuzz } from './scenarios/fuzz/config-fuzz.ts';
import { liveFuzz } from './scenarios/fuzz/live-fuzz.ts';
import { parserFuzz } from './scenarios/fuzz/parser-fuzz.ts';
import { dnsRebind } from './scenarios/peers/dns-rebind.ts';
import { binary } from './scenarios/packages/binary.ts';
import { container } from './scenarios/packages/container.ts';
import { debianPackage } from './scenarios/packages/debian-package.ts';
import { gatewayLoop } from './scenarios/peers/gateway-loop.ts';
import { hairpin } from './scenarios/peers/hairpin.ts';
import { peerBattery } from './scenarios/peers/peer-battery.ts';
import { peerOracle } from './scenarios/peers/peer-oracle.ts';
import { routeRemoved } from './scenarios/peers/route-removed.ts';
import { strangers } from './scenarios/peers/strangers.ts';
import { regressions } from './scenarios/regressions/regressions.ts';
import { simulation } from './scenarios/simulation/simulation.ts';
import { soak } from './scenarios/soak/soak.ts';
import type { Scenario } from './scenario.ts';

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  independentClients,
  one2oneCall,
  dnsRebind,
  gatewayLoop,
  hairpin,
  peerBattery,
  peerOracle,
  routeRemoved,
  strangers,
  amplification,
  cost,
  expiry,
  ...FLOODS,
  guessing,
  http,
  logs,
  quota,
  reflection,
  slowReaders,
  slowloris,
  timing,
  regressions,
  configFuzz,
  liveFuzz,
  parserFuzz,
  simulation,
  chaosCorruption,
  chaosLoss,
  chaosPath,
  soak,
  backendDown,
  clock,
  descriptors,
  drain,
  killWorker,
  blockedStdout,
  diskFull,
  memory,
  ports,
  reloadStorm,
  rotations,
  sendErrors,
  dns,
  stopped,
  binary,
  debianPackage,
  container,
];
