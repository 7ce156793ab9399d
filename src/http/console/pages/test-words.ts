import type { TestListener } from '../../admin/gateway-control.ts';

/** What went wrong in a step, and what to do. */
export interface Explanation {
  /** Begins with a capital and ends with a full stop. */
  readonly problem: string;
  readonly advice: string;
}

/** An error that a browser reports while it gathers candidates. */
export interface GatheringError {
  /** STUN error code, or 701 when nobody was reached. */
  readonly code: number;
  readonly text: string;
}

const START_ECHO =
  'Start turnpike echo where the gateway can reach it, and name it in admin.echo_endpoint.';

const ADVICE: ReadonlyMap<number, Explanation> = new Map([
  [
    300,
    { problem: 'The gateway sends clients elsewhere (300).', advice: 'It drains: undrain it.' },
  ],
  [
    401,
    {
      problem: 'The credential is refused (401).',
      advice: 'Check user name and password; see Denials in the console for the reason.',
    },
  ],
  [
    403,
    {
      problem: 'The gateway forbids allocations (403).',
      advice: 'Is it STUN only (auth.type: none)?',
    },
  ],
  [
    438,
    {
      problem: 'The nonce is stale each time (438).',
      advice:
        'Several gateways behind one address need a load balancer that keeps a client at one of them.',
    },
  ],
  [
    440,
    {
      problem: 'The gateway has no relay address of that family (440).',
      advice: 'Add one to relay.addresses.',
    },
  ],
  [
    486,
    {
      problem: 'The quota is used up (486).',
      advice: 'Raise admin.user_quota or limits.allocations_per_address_max, or kick old sessions.',
    },
  ],
  [
    508,
    {
      problem: 'The gateway is full, or drains (508).',
      advice: 'Undrain it, or raise limits.allocations_max or the range of relay ports.',
    },
  ],
]);

/** Says why this page cannot test a listener at all; undefined when it can. */
export function obstacleOf(listener: TestListener): Explanation | undefined {
  if (listener.protocol !== 'dtls') return undefined;
  return {
    problem: 'Browsers do not speak TURN over DTLS, so this page cannot test it.',
    advice: 'Other clients do.',
  };
}

/** Says why a listener gave no relayed address. */
export function explainGathering(
  listener: TestListener,
  errors: readonly GatheringError[],
): Explanation {
  const answered = errors.find(({ code }) => code < UNREACHED);
  if (answered !== undefined) {
    return (
      ADVICE.get(answered.code) ?? {
        problem: `The gateway answers ${answered.code} ${answered.text}.`,
        advice: 'Look into its log at the time of this test.',
      }
    );
  }
  return explainSilence(listener);
}

function explainSilence({ protocol, uri, isSelfSigned }: TestListener): Explanation {
  if (/^turns?:0\.0\.0\.0/.test(uri)) {
    return {
      problem: 'The URI names no address that clients could use.',
      advice: 'Set public_address of the listener.',
    };
  }
  if (protocol === 'tls') {
    return {
      problem: isSelfSigned
        ? 'The browser does not trust the certificate, which the gateway has made itself at its start.'
        : 'The browser found nobody there, or does not trust the certificate.',
      advice: isSelfSigned
        ? 'Give the listener a certificate of an authority that browsers know, or have the browser trust this one.'
        : 'Check that the certificate is for the host of the URI, not expired, and sent with its intermediates.',
    };
  }
  const transport = protocol.toUpperCase();
  const [, port = ''] = /:(\d+)(?:\?|$)/.exec(uri) ?? [];
  return {
    problem: `Nobody answers over ${transport}.`,
    advice: `Check that clients can reach the address, and that no firewall drops ${transport} port ${port}.`,
  };
}

/**
 * Says why the echo gave no answer, by the code that the gateway gives.
 *
 * @returns undefined when the fault is not that of the echo.
 */
export function explainNoEcho(code: string, message: string): Explanation | undefined {
  switch (code) {
    case 'GW_ERR_ECHO':
      return { problem: `There is nobody to relay to: ${message}.`, advice: START_ECHO };
    case 'GW_ERR_ECHO_BUSY':
      return {
        problem: `There is nobody to relay to: ${message}.`,
        advice: 'Test again in half a minute, or give turnpike echo more --ports.',
      };
    default:
      return undefined;
  }
}

/** Says that nothing more is known without an echo. */
export const NO_ECHO: Explanation = {
  problem: 'No echo is configured, so it is not known whether data gets through.',
  advice: START_ECHO,
};

/** Says why no connection came about although the routes admit the peer. */
export function explainNoConnection(peer: string): Explanation {
  return {
    problem: `The gateway relays to ${peer}, but nothing comes back from there.`,
    advice:
      'Check that the echo runs at that address, and that no firewall between it and the relay ports of the gateway ' +
      'drops UDP.',
  };
}

const UNREACHED = 700;
