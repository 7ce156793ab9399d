import { readBytes, readUint8 } from '../stun/attributes.ts';
import type { StunMessage } from '../stun/message.ts';
import { ATTRIBUTE } from '../stun/registry.ts';
import { IPV4, IPV6, type AddressFamily } from '../stun/transport-address.ts';
import type { Allocation, ServerEndpoint } from './allocation.ts';
import { grantedLifetime, readLifetime } from './lifetime.ts';
import type { PortWish } from './relay-ports.ts';
import type { Rejection } from './request.ts';

const PROTOCOL_UDP = 17;
const EVEN_PORT_RESERVE_BIT = 0x80;
/** Bytes of RESERVATION-TOKEN (RFC 8656 §18.8). */
export const RESERVATION_TOKEN_BYTES = 8;
const ADDITIONAL_ADDRESS_FAMILY_OF_DRAFT = 0x8032;

/** What an Allocate request asks for, once its attributes have been found to agree. */
export interface AllocateWish {
  /** Families to relay; empty when a reservation token decides. */
  readonly families: readonly AddressFamily[];
  readonly addressError: Allocation['addressError'];
  readonly port: PortWish;
  /** RESERVATION-TOKEN as hex. */
  readonly token: string | undefined;
  readonly lifetimeSeconds: number;
}

/** Attribute values as sent; undefined where the attribute is absent. */
interface AllocateAttributes {
  readonly lifetime: number | 'absent';
  readonly token: string | undefined;
  readonly requestedFamily: number | undefined;
  readonly additionalFamily: number | undefined;
  readonly evenPort: PortWish | undefined;
}

/** Checks the attributes of an Allocate request in the order of RFC 8656 §7.2, steps 3 to 9. */
export function readAllocateWish(
  message: StunMessage,
  endpoint: ServerEndpoint,
  isDontFragmentSupported: boolean,
): AllocateWish | Rejection {
  const protocol = readUint8(message, message.find(ATTRIBUTE.REQUESTED_TRANSPORT), 4);
  if (protocol === undefined) return { code: 400 };
  if (protocol !== PROTOCOL_UDP) return { code: 442 };
  const ticket = message.find(ATTRIBUTE.MOBILITY_TICKET);
  // Mobility is not offered; an empty ticket asks for it, any other has no place here (RFC 8016 §3.1.2).
  if (ticket >= 0) return { code: message.valueLength(ticket) === 0 ? 405 : 400 };
  if (message.find(ATTRIBUTE.DONT_FRAGMENT) >= 0 && !isDontFragmentSupported) {
    return { code: 420, write: (writer) => writer.unknownAttributes([ATTRIBUTE.DONT_FRAGMENT]) };
  }
  const attributes = readAttributes(message);
  if (attributes === undefined) return { code: 400 };
  const families = chooseFamilies(attributes, endpoint);
  if ('code' in families) return families;
  return {
    ...families,
    port: attributes.evenPort ?? 'any',
    token: attributes.token,
    lifetimeSeconds: grantedLifetime(attributes.lifetime),
  };
}

/** Steps 5 to 9: which families, or why the combination of attributes is refused. */
function chooseFamilies(
  { token, requestedFamily, additionalFamily, evenPort }: AllocateAttributes,
  endpoint: ServerEndpoint,
): Pick<AllocateWish, 'families' | 'addressError'> | Rejection {
  if (token !== undefined) {
    const isAlone =
      requestedFamily === undefined && additionalFamily === undefined && evenPort === undefined;
    return isAlone ? { families: [], addressError: undefined } : { code: 400 };
  }
  if (additionalFamily !== undefined) {
    const isAllowed =
      requestedFamily === undefined && evenPort !== 'evenWithNext' && additionalFamily === IPV6;
    return isAllowed ? chooseBoth(endpoint) : { code: 400 };
  }
  // Browsers name no family, not even to a server that has IPv6 alone; RFC 8656 §7.2 step 7 would have 440 there.
  const family = requestedFamily ?? (relays(endpoint, IPV4) ? IPV4 : IPV6);
  if ((family !== IPV4 && family !== IPV6) || !relays(endpoint, family)) return { code: 440 };
  return { families: [family], addressError: undefined };
}

/** Step 9: both families, or the one that there is and an ADDRESS-ERROR-CODE for the other. */
function chooseBoth(
  endpoint: ServerEndpoint,
): Pick<AllocateWish, 'families' | 'addressError'> | Rejection {
  const both: readonly AddressFamily[] = [IPV4, IPV6];
  const families = both.filter((family) => relays(endpoint, family));
  if (families.length === 0) return { code: 508 };
  const missing = both.find((family) => !families.includes(family));
  return {
    families,
    addressError: missing === undefined ? undefined : { family: missing, code: 440 },
  };
}

function relays(endpoint: ServerEndpoint, family: AddressFamily): boolean {
  return endpoint.relayAddressOf(family) !== undefined;
}

/** Reads the attributes; undefined when one has a wrong length (RFC 8656 §18). */
function readAttributes(message: StunMessage): AllocateAttributes | undefined {
  const lifetime = readLifetime(message);
  const token = readToken(message);
  const requestedFamily = readFamily(message, ATTRIBUTE.REQUESTED_ADDRESS_FAMILY);
  const additionalFamily = readAdditionalFamily(message);
  const evenPort = readEvenPort(message);
  const dontFragment = message.find(ATTRIBUTE.DONT_FRAGMENT);
  if (dontFragment >= 0 && message.valueLength(dontFragment) !== 0) return undefined;
  if (lifetime === 'malformed' || token === 'malformed' || evenPort === 'malformed')
    return undefined;
  if (requestedFamily === 'malformed' || additionalFamily === 'malformed') return undefined;
  return { lifetime, token, requestedFamily, additionalFamily, evenPort };
}

/** Reads an address family attribute: its number, whether or not it names a family. */
export function readFamily(message: StunMessage, type: number): number | 'malformed' | undefined {
  const index = message.find(type);
  return index < 0 ? undefined : (readUint8(message, index, 4) ?? 'malformed');
}

/** Reads ADDITIONAL-ADDRESS-FAMILY, also under the number that coturn's clients took from a draft of RFC 8656. */
function readAdditionalFamily(message: StunMessage): number | 'malformed' | undefined {
  const family = readFamily(message, ATTRIBUTE.ADDITIONAL_ADDRESS_FAMILY);
  if (family !== undefined) return family;
  // The number has another owner now, so only the one value that makes sense here is taken for it.
  return readFamily(message, ADDITIONAL_ADDRESS_FAMILY_OF_DRAFT) === IPV6 ? IPV6 : undefined;
}

function readEvenPort(message: StunMessage): PortWish | 'malformed' | undefined {
  const index = message.find(ATTRIBUTE.EVEN_PORT);
  if (index < 0) return undefined;
  const value = readUint8(message, index);
  if (value === undefined) return 'malformed';
  return (value & EVEN_PORT_RESERVE_BIT) === 0 ? 'even' : 'evenWithNext';
}

function readToken(message: StunMessage): string | undefined {
  const index = message.find(ATTRIBUTE.RESERVATION_TOKEN);
  const value = readBytes(message, index);
  if (value === undefined) return undefined;
  return value.length === RESERVATION_TOKEN_BYTES
    ? Buffer.from(value).toString('hex')
    : 'malformed';
}
