import type { GatewayStatus, LiveMetrics } from '../../admin/gateway-control.ts';
import { Configuration } from './configuration.ts';
import { DENIAL_TYPES, Denials } from './denials.ts';
import { EventFeed } from './event-feed.ts';
import { GatewayState } from './gateway-state.ts';
import { Navigation } from './navigation.ts';
import { Overview } from './overview.ts';
import { repeat } from './poll.ts';
import { reachable } from './reachable.ts';
import { Routes } from './routes.ts';
import { Sessions } from './sessions.ts';
import { signIn } from './sign-in.ts';

const METRICS_MS = 1000;
const STATUS_MS = 2000;

const api = await signIn();
const overview = new Overview();
const sessions = new Sessions(api);
const denials = new Denials();
const routes = new Routes(api);
const configuration = new Configuration(api);
const state = new GatewayState(api, showStatus);

const refreshBySection: Readonly<Record<string, () => Promise<void>>> = {
  sessions: () => sessions.refresh(),
  configuration: () => configuration.refresh(),
};

const navigation = new Navigation((name) => void reachable(refreshBySection[name] ?? nothing));
repeat(METRICS_MS, () => reachable(showMetrics));
repeat(STATUS_MS, () => reachable(showAll));
void new EventFeed(api, DENIAL_TYPES, denials).follow();

async function showAll(): Promise<void> {
  await showStatus();
  await refreshBySection[navigation.current]?.();
}

async function showStatus(): Promise<void> {
  const status = await api.get<GatewayStatus>('status');
  state.show(status);
  overview.showStatus(status);
  routes.showStatus(status);
  configuration.showLast(status.lastReload);
}

async function showMetrics(): Promise<void> {
  const metrics = await api.get<LiveMetrics>('metrics/live');
  overview.showMetrics(metrics);
  denials.showCounts(metrics);
}

async function nothing(): Promise<void> {
  // Most sections show what is asked for anyway.
}
