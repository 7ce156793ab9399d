import { ICE_ENDPOINT_DEFAULT } from '../../config/default-values.ts';
import type { GatewayConfig } from '../../config/gateway-config.ts';
import { errorText, GatewayError } from '../../errors.ts';
import { readAuthorities } from '../authorities.ts';
import type { Inspection } from '../inspect-commands.ts';
import type { CommandResult, Presentation } from '../terminal/output.ts';
import { parseUdpPeer } from '../turn-target.ts';
import { checkTarget, type DoctorSettings } from './checks.ts';
import { fetchIceEntries, shownUrl, type IceEntry } from './ice.ts';
import { CheckList, doctorResult, type TargetReport } from './report.ts';
import { targetOfIceEntry, targetOfUri, targetsOfConfig, type DoctorTarget } from './targets.ts';

/** Argument and options of `turnpike doctor`. */
export interface DoctorOptions extends Presentation {
  /** TURN URI, or URL of an ICE API; undefined without `config`: the ICE API that runs by default. */
  readonly url?: string | undefined;
  /** The configuration of the gateway; not together with `url`. */
  readonly config?: GatewayConfig | undefined;
  /** `ip:port` of a UDP echo backend. */
  readonly peer?: string | undefined;
  /** PEM file of the authorities to trust. */
  readonly ca?: string | undefined;
  /** Server name for TLS in place of the URI's host. */
  readonly sni?: string | undefined;
  /** Does not judge certificates. */
  readonly insecure?: boolean | undefined;
  /** User id of a credential that is made here. */
  readonly user?: string | undefined;
  /** Longest wait for each answer; 5 unless given. */
  readonly timeoutSeconds?: number | undefined;
}

const TIMEOUT_SECONDS_DEFAULT = 5;
const USER_DEFAULT = 'turnpike-doctor';

/**
 * `doctor`: tests every listener as a client would and says what is wrong and what to do; exit code 0 when no check
 * failed.
 *
 * @throws GatewayError GW_ERR_USAGE.
 */
export async function doctorCommand(
  options: DoctorOptions,
  inspection: Inspection,
): Promise<CommandResult> {
  const settings = settingsOf(options);
  return doctorResult(await examineAll(options, settings, inspection), options);
}

async function examineAll(
  { url, config, user = USER_DEFAULT }: DoctorOptions,
  settings: DoctorSettings,
  inspection: Inspection,
): Promise<readonly TargetReport[]> {
  if (config !== undefined) {
    if (url !== undefined) throw usage('give either a URL or a configuration file, not both');
    return checkAll(await targetsOfConfig(config, user, inspection), settings);
  }
  const where = url ?? `${ICE_ENDPOINT_DEFAULT}/ice?service=turn`;
  if (!/^https?:/i.test(where)) return checkAll([targetOfUri(where, user)], settings);
  if (!URL.canParse(where)) throw usage('the URL of the ICE API is not understood');
  return checkIceApi(withUser(new URL(where), user), settings);
}

async function checkAll(
  targets: readonly DoctorTarget[],
  settings: DoctorSettings,
): Promise<readonly TargetReport[]> {
  const reports: TargetReport[] = [];
  // One after the other, so that limits for one client do not show as failures.
  for (const target of targets) reports.push(...(await checkTarget(target, settings)));
  return reports;
}

async function checkIceApi(url: URL, settings: DoctorSettings): Promise<readonly TargetReport[]> {
  const checks = new CheckList();
  const own = { target: shownUrl(url), checks: checks.checks };
  const answer = await fetchIceEntries(url, settings);
  if ('detail' in answer) {
    checks.failed('ice', answer.detail, answer.next);
    return [own];
  }
  const { entries } = answer;
  checks.ok('ice', `${entries.length} URIs`);
  return [own, ...(await checkAll(targetsOf(entries, checks), settings))];
}

function targetsOf(entries: readonly IceEntry[], checks: CheckList): DoctorTarget[] {
  return entries.flatMap((entry) => {
    try {
      return [targetOfIceEntry(entry)];
    } catch (error) {
      checks.failed(
        'ice',
        errorText(error),
        'check public_address and public_port of the listener',
      );
      return [];
    }
  });
}

function withUser(url: URL, user: string): URL {
  if (!url.searchParams.has('service')) url.searchParams.set('service', 'turn');
  if (!url.searchParams.has('username')) url.searchParams.set('username', user);
  return url;
}

function settingsOf(options: DoctorOptions): DoctorSettings {
  const { peer, ca, sni, insecure = false, timeoutSeconds = TIMEOUT_SECONDS_DEFAULT } = options;
  return {
    timeoutMs: timeoutSeconds * 1000,
    peer: peer === undefined ? undefined : parseUdpPeer(peer),
    ca: ca === undefined ? undefined : readAuthorities(ca),
    serverName: sni,
    isInsecure: insecure,
  };
}

function usage(detail: string): GatewayError {
  return new GatewayError('GW_ERR_USAGE', detail);
}
