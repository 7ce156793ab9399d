import { IPV6, type AddressFamily } from '../stun/transport-address.ts';
import {
  BPF_A,
  BPF_ABS,
  BPF_ADD,
  BPF_ALU,
  BPF_B,
  BPF_H,
  BPF_IMM,
  BPF_IND,
  BPF_JA,
  BPF_JEQ,
  BPF_JGE,
  BPF_JMP,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LEN,
  BPF_MEM,
  BPF_MISC,
  BPF_MOD,
  BPF_MSH,
  BPF_MUL,
  BPF_RET,
  BPF_RSH,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  BPF_TAX,
  BPF_W,
  BPF_X,
  SKF_NET_OFF,
  SOCK_FILTER,
  SOCK_FPROG,
  SOL_SOCKET,
  SO_ATTACH_REUSEPORT_CBPF,
} from './layout.ts';
import { loadLibc } from './libc.ts';
import { scratch } from './scratch.ts';

/** An instruction of classic BPF. */
type Instruction = readonly [code: number, k: number, jumpIfTrue?: number, jumpIfFalse?: number];

/** How the datagrams for one port are spread over the sockets that share it. */
export interface Steering {
  readonly family: AddressFamily;
  /** Each has two sockets: the first ones of all workers were bound before the second ones. */
  readonly workers: number;
  /** An odd number unknown to others: it decides which worker a client comes to. */
  readonly secret: number;
}

/** What is shorter carries nothing; a load beyond the end would choose socket 0. */
const DATA_BYTES_MIN = 4;
/** First byte of a DTLS record with application data. */
const DTLS_APPLICATION_DATA = 23;
const SEND_INDICATION = 0x0016;
/** First bytes of ChannelData, the end not included, and its header, whose second half is the length of the rest. */
const CHANNEL_DATA = { first: 0x40, end: 0x80, headerBytes: 4, lengthOffset: 2 } as const;

const LOAD = BPF_LD | BPF_W | BPF_ABS;
const LOAD_LENGTH = BPF_LD | BPF_W | BPF_LEN;
const LOAD_HALF = BPF_LD | BPF_H | BPF_ABS;
const LOAD_NUMBER = BPF_LD | BPF_IMM;
const SUBTRACT = BPF_ALU | BPF_SUB | BPF_K;
const ADD = BPF_ALU | BPF_ADD | BPF_X;
const MULTIPLY = BPF_ALU | BPF_MUL | BPF_K;
const SHIFT_RIGHT = BPF_ALU | BPF_RSH | BPF_K;
const REMAINDER = BPF_ALU | BPF_MOD | BPF_K;
const KEEP = BPF_MISC | BPF_TAX;
const LOAD_KEPT = BPF_LDX | BPF_W | BPF_MEM;
const IF_EQUAL = BPF_JMP | BPF_JEQ | BPF_K;
const IF_AT_LEAST = BPF_JMP | BPF_JGE | BPF_K;
const IF_AT_LEAST_KEPT = BPF_JMP | BPF_JGE | BPF_X;

/**
 * Has the kernel give what can carry data to the first socket of a worker and all else to its second one, always the
 * same worker for a client. Whoever floods a port with requests or nonsense, which cost nothing to forge, then fills
 * the queue of the second socket and not the one that live calls need.
 *
 * A kernel that does not do it goes on to spread 5-tuples over all sockets.
 *
 * @param fd - of any of the sockets.
 */
export function steerDatagrams(fd: number, steering: Steering): void {
  const program = [...classify(steering.workers), ...hash(steering), ...choose(steering.workers)];
  const arena = scratch();
  const { view } = arena;
  for (const [index, [code, k, jumpIfTrue = 0, jumpIfFalse = 0]] of program.entries()) {
    const at = SOCK_FPROG.size + index * SOCK_FILTER.size;
    view.setUint16(at + SOCK_FILTER.code, code, true);
    view.setUint8(at + SOCK_FILTER.jt, jumpIfTrue);
    view.setUint8(at + SOCK_FILTER.jf, jumpIfFalse);
    view.setInt32(at + SOCK_FILTER.k, k | 0, true);
  }
  view.setUint16(SOCK_FPROG.len, program.length, true);
  arena.writePointer(SOCK_FPROG.filter, SOCK_FPROG.size);
  const { address } = arena;
  loadLibc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, address, SOCK_FPROG.size);
}

/** Puts where the sockets of a kind begin into M[0]. Jumps count the instructions left out. */
function classify(workers: number): readonly Instruction[] {
  return [
    [LOAD_LENGTH, 0],
    [IF_AT_LEAST, DATA_BYTES_MIN, 0, 11],
    [LOAD_HALF, 0],
    [IF_EQUAL, SEND_INDICATION, 11, 0],
    [SHIFT_RIGHT, 8],
    [IF_EQUAL, DTLS_APPLICATION_DATA, 9, 0],
    [IF_AT_LEAST, CHANNEL_DATA.first, 0, 6],
    [IF_AT_LEAST, CHANNEL_DATA.end, 5, 0],
    [LOAD_HALF, CHANNEL_DATA.lengthOffset],
    [KEEP, 0],
    [LOAD_LENGTH, 0],
    [SUBTRACT, CHANNEL_DATA.headerBytes],
    [IF_AT_LEAST_KEPT, 0, 2, 0],
    [LOAD_NUMBER, workers],
    [BPF_JMP | BPF_JA, 1],
    [LOAD_NUMBER, 0],
    [BPF_ST, 0],
  ];
}

/** Hashes the source address and port into A. */
function hash({ family, workers, secret }: Steering): readonly Instruction[] {
  if (workers === 1) return [];
  const addressWords = family === IPV6 ? [8, 12, 16, 20] : [12];
  const mix: Instruction[] = [
    [MULTIPLY, secret],
    [KEEP, 0],
  ];
  return [
    [LOAD_NUMBER, 0],
    ...mix,
    ...addressWords.flatMap((at): Instruction[] => [[LOAD, SKF_NET_OFF + at], [ADD, 0], ...mix]),
    ...(family === IPV6 ? LOAD_PORT_IPV6 : LOAD_PORT_IPV4),
    [ADD, 0],
    [MULTIPLY, secret],
    [SHIFT_RIGHT, 16],
  ];
}

const LOAD_PORT_IPV6: readonly Instruction[] = [[LOAD_HALF, SKF_NET_OFF + 40]];

/** The header of IPv4 tells its length; what X held lies in M[1] meanwhile. */
const LOAD_PORT_IPV4: readonly Instruction[] = [
  [BPF_STX, 1],
  [BPF_LDX | BPF_B | BPF_MSH, SKF_NET_OFF],
  [BPF_LD | BPF_H | BPF_IND, SKF_NET_OFF],
  [LOAD_KEPT, 1],
];

/** Returns the number of a socket. */
function choose(workers: number): readonly Instruction[] {
  return [
    [REMAINDER, workers],
    [LOAD_KEPT, 0],
    [ADD, 0],
    [BPF_RET | BPF_A, 0],
  ];
}
