import type { Requirement } from './conformance-case.ts';
import { familyOf, IPV4, IPV6 } from './wire/address.ts';

/** Requirements that several topics have. */
export const onUdp: Requirement = ({ target }) => target.carrier !== 'UDP' && 'UDP only';

/** Messages are datagrams. */
export const onDatagrams: Requirement = ({ target }) =>
  target.carrier !== 'UDP' && target.carrier !== 'DTLS' && 'datagrams only';

/** Messages are framed in a stream. */
export const onStreams: Requirement = ({ target }) =>
  target.carrier !== 'TCP' && target.carrier !== 'TLS' && 'streams only';

/** A stream that nothing lies around. */
export const onTcp: Requirement = ({ target }) => target.carrier !== 'TCP' && 'TCP only';

/** TLS over TCP. */
export const onTls: Requirement = ({ target }) => target.carrier !== 'TLS' && 'TLS only';

/** TLS over UDP. */
export const onDtls: Requirement = ({ target }) => target.carrier !== 'DTLS' && 'DTLS only';

/** The server has a second user. */
export const withOtherUser: Requirement = ({ setup }) =>
  setup.other === undefined && 'needs --other-user';

/** The server knows a shared secret. */
export const withSecret: Requirement = ({ setup }) =>
  setup.secret === undefined && 'needs --secret';

/** The server is known to refuse some peer. */
export const withForbiddenPeer: Requirement = ({ setup }) =>
  setup.forbidden === undefined && 'needs --forbidden';

/** There are peers of both families. */
export const withPeersOfBothFamilies: Requirement = ({ setup }) =>
  new Set(setup.peers.map(familyOf)).size < 2 && 'needs --peer of both families';

/** There is an IPv4 peer. */
export const withIpv4Peer: Requirement = ({ setup }) =>
  !setup.peers.some((ip) => familyOf(ip) === IPV4) && 'needs --peer of IPv4';

/** There is an IPv6 peer. */
export const withIpv6Peer: Requirement = ({ setup }) =>
  !setup.peers.some((ip) => familyOf(ip) === IPV6) && 'needs --peer of IPv6';

/** Loopback gives several addresses for peers. */
export const withLoopbackPeer: Requirement = ({ setup }) =>
  !setup.peers.some((ip) => ip.startsWith('127.')) && 'needs a loopback peer';
