/** A known defect of another server, built into this one. */
export interface Mutant {
  /** `id` of the defects that it brings back. */
  readonly ids: readonly string[];
  /** Test that has to notice, in `test/regressions`. */
  readonly test: string;
  /** Source file of the repository. */
  readonly file: string;
  /** A text that it has once, and what stands in its place. */
  readonly from: string;
  readonly to: string;
}

const MESSAGES = 'messages.ts';
const PEERS = 'peers.ts';
const STATE = 'state.ts';
const SURFACES = 'operator-surfaces.ts';

const FORBIDDEN = 'src/route/forbidden-peers.ts';
const MESSAGE = 'src/stun/message.ts';
const ATTRIBUTES = 'src/stun/attributes.ts';
const PERMISSION = 'src/turn/handlers/create-permission.ts';

/** One for each defect that a few words bring back. */
export const MUTANTS: readonly Mutant[] = [
  {
    ids: ['CVE-2020-6061', 'CVE-2020-6062', 'CVE-2018-4056'],
    test: MESSAGES,
    file: 'src/turn/stream-framer.ts',
    from: 'if (length === 0 || length > this.frameBytesMax) return this.#break();\n    if (available',
    to: 'if (length === 0) return this.#break();\n    if (available',
  },
  {
    ids: ['CVE-2020-4067'],
    test: MESSAGES,
    file: 'src/stun/message-writer.ts',
    from: 'for (let pad = valueOffset + length; pad < next; pad++) bytes[pad] = 0;',
    to: '',
  },
  {
    ids: ['CVE-2026-40613'],
    test: MESSAGES,
    file: MESSAGE,
    from: 'const valueOffset = at + 4;',
    to: 'const valueOffset = (at + 4) & ~3;',
  },
  {
    ids: ['CVE-2026-43994'],
    test: MESSAGES,
    file: 'src/turn/known-attributes.ts',
    from: '  ATTRIBUTE.USE_CANDIDATE,\n',
    to: '  ATTRIBUTE.USE_CANDIDATE,\n  ATTRIBUTE.ACCESS_TOKEN,\n',
  },
  {
    ids: ['coturn ab762f33'],
    test: MESSAGES,
    file: MESSAGE,
    from: 'if (integrity === 0) return false;',
    to: 'if (integrity >= 0) return false;',
  },
  {
    ids: ['Cisco Expressway 2020'],
    test: MESSAGES,
    file: 'src/turn/turn-server.ts',
    from: 'if (payloadLength > length - CHANNEL_DATA_HEADER_BYTES)',
    to: 'if (payloadLength < 0)',
  },
  {
    ids: ['CVE-2021-37706'],
    test: MESSAGES,
    file: ATTRIBUTES,
    from: 'if (value === undefined || value.length < 4) return undefined;\n  const hundreds',
    to: 'if (value === undefined) return undefined;\n  const hundreds',
  },
  {
    ids: ['CVE-2022-23537'],
    test: MESSAGES,
    file: MESSAGE,
    from: 'attributesLength % 4 !== 0 || attributesLength !== length - HEADER_BYTES',
    to: 'attributesLength % 4 !== 0',
  },
  {
    ids: ['CVE-2022-31031'],
    test: MESSAGES,
    file: ATTRIBUTES,
    from: 'value === undefined || value.length > maxBytes ? undefined',
    to: 'value === undefined ? undefined',
  },
  {
    ids: ['CVE-2024-2169'],
    test: MESSAGES,
    file: 'src/turn/turn-server.ts',
    from: "default:\n        return this.#context.drop('unexpectedResponse');",
    to: 'default:\n        handleRequest(this.#context, client, message, now);\n        return undefined;',
  },
  {
    ids: ['CVE-2018-4058'],
    test: PEERS,
    file: FORBIDDEN,
    from: "  ['127.0.0.0', 8, 'loopback'],\n",
    to: '',
  },
  {
    ids: ['CVE-2020-26262'],
    test: PEERS,
    file: FORBIDDEN,
    from: "  ['0.0.0.0', 32, 'unspecified'],\n  ['0.0.0.0', 8, 'thisNetwork'],\n",
    to: '',
  },
  {
    ids: ['CVE-2026-27624'],
    test: PEERS,
    file: FORBIDDEN,
    from: "  ['::ffff:0:0', 96, 'ipv4InIpv6'],\n",
    to: '',
  },
  {
    ids: ['coturn b057acbe'],
    test: PEERS,
    file: FORBIDDEN,
    from: 'of embeddedIpv4(address, nat64Prefixes)) {',
    to: 'of embeddedIpv4(address, nat64Prefixes).slice(1)) {',
  },
  {
    ids: ['coturn 6c13608c'],
    test: PEERS,
    file: 'src/route/prefix.ts',
    from: 'into.word1 = address.word1 & mask.word1;',
    to: 'into.word1 = address.word1;',
  },
  {
    ids: ['eturnal 31faaa6'],
    test: PEERS,
    file: FORBIDDEN,
    from: "  ['2002::', 16, 'sixToFour'],\n",
    to: '',
  },
  {
    ids: ['Slack 2020'],
    test: PEERS,
    file: FORBIDDEN,
    from: "  ['fd00:ec2::', 32, 'metadata'],\n",
    to: '',
  },
  {
    ids: ['Ghost Calls 2025, Backdoor.Turn 2026'],
    test: PEERS,
    file: 'src/route/route-table.ts',
    from: 'if (port === undefined || ports.has(port)) return cluster;',
    to: 'return cluster;',
  },
  {
    ids: ['pion/turn 443e41ac'],
    test: PEERS,
    file: PERMISSION,
    from: "'CreatePermission')) return { code: 403 };\n",
    to: `'CreatePermission')) return { code: 403 };
    installPermission(context, allocation, peer, now.monotonicMs);
`,
  },
  {
    ids: ['CVE-2025-69217'],
    test: STATE,
    file: 'src/service/secure-random.ts',
    from: 'below: (bound) => randomInt(bound),',
    to: 'below: (bound) => ++used % bound,',
  },
  {
    ids: ['coturn 1999'],
    test: STATE,
    file: 'src/turn/turn-server.ts',
    from: 'return this.handleClientMessage(client, bytes, offset, length, now);',
    to: `endpoint.allocationByClient.set(address.clone(), allocation!);
    return this.handleClientMessage(client, bytes, offset, length, now);`,
  },
  {
    ids: ['node-turn 0.0.6, one entry per packet'],
    test: STATE,
    file: 'src/turn/turn-context.ts',
    from: 'mayAnswerStranger(client: Client, now: Now): boolean {\n',
    to: `mayAnswerStranger(client: Client, now: Now): boolean {
    const expiresAtMs = now.monotonicMs + 3_600_000;
    this.expiry.add({ expiresAtMs, isGone: false } as Deadline, now.monotonicMs);
`,
  },
  {
    ids: ['coturn 2026, permissions without bound'],
    test: STATE,
    file: PERMISSION,
    from: 'if (added > 0 && count > context.rules.permissionsPerAllocationMax) return { code: 508 };',
    to: '',
  },
  {
    ids: ['coturn 4adbd82e'],
    test: STATE,
    file: 'src/turn/relay-ports.ts',
    from: "if (wish !== 'evenWithNext' || this.#claim(port + 1)) return true;",
    to: "if (wish === 'any' || this.#claim(port + 1)) return true;",
  },
  {
    ids: ['coturn 37df0513'],
    test: STATE,
    file: 'src/turn/handlers/request.ts',
    from: 'if (allocation.userId !== authenticated.credential.userId) return { code: 441 };',
    to: '',
  },
  {
    ids: ['coturn 3c5b2615'],
    test: STATE,
    file: 'src/turn/lifecycle.ts',
    from: 'context.options.quota.release(allocation.userId, client.address);',
    to: '',
  },
  {
    ids: ['GHSA-4g7c-p5wg-j4hp'],
    test: STATE,
    file: 'src/log.ts',
    from: 'this.scope(scope)[level](fields, message);',
    to: "this.scope(scope)[level](String(fields['userId']), message);",
  },
  {
    ids: ['node-turn 0.0.6, inherited users'],
    test: STATE,
    file: 'src/auth/static-users.ts',
    from: "return this.#byUsername.get(username.normalize('NFC'))?.[algorithm];",
    to: `const inherited = username in {} ? [...this.#byUsername.values()][0] : undefined;
    return (this.#byUsername.get(username.normalize('NFC')) ?? inherited)?.[algorithm];`,
  },
  {
    ids: ['CVE-2018-4059'],
    test: SURFACES,
    file: 'src/config/admin.ts',
    from: "report.problem(['admin', 'api_endpoint'], UNPROTECTED);",
    to: "report.warning(['admin', 'api_endpoint'], UNPROTECTED);",
  },
  {
    ids: ['coturn 7f7dc99d'],
    test: SURFACES,
    file: 'src/http/shared/secret-digests.ts',
    from: 'if (timingSafeEqual(presentedDigest, expected)) found = index;',
    to: "if (timingSafeEqual(presentedDigest, expected) || presented === '*') found = index;",
  },
];
