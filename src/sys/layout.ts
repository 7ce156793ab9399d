/**
 * Sizes, offsets and constants of Linux on x64 and arm64 (LP64, little-endian).
 *
 * Every export keeps its C name: a lower-case `struct` name and its members, or a macro. `test/sys/layout.ts` compares
 * all of them with a C compiler.
 */
const isX64 = process.arch === 'x64';

/** `struct sockaddr_in`: byte offsets; port and address in network order. */
export const SOCKADDR_IN = { size: 16, sin_family: 0, sin_port: 2, sin_addr: 4 } as const;
/** `struct sockaddr_in6`: byte offsets; port and address in network order. */
export const SOCKADDR_IN6 = {
  size: 28,
  sin6_family: 0,
  sin6_port: 2,
  sin6_flowinfo: 4,
  sin6_addr: 8,
  sin6_scope_id: 24,
} as const;
/** `struct sockaddr_un`: byte offsets. */
export const SOCKADDR_UN = { size: 110, sun_family: 0, sun_path: 2 } as const;
/** `struct iovec`: byte offsets. */
export const IOVEC = { size: 16, iov_base: 0, iov_len: 8 } as const;
/** `struct msghdr`: byte offsets. */
export const MSGHDR = {
  size: 56,
  msg_name: 0,
  msg_namelen: 8,
  msg_iov: 16,
  msg_iovlen: 24,
  msg_control: 32,
  msg_controllen: 40,
  msg_flags: 48,
} as const;
/** `struct mmsghdr`: byte offsets. */
export const MMSGHDR = { size: 64, msg_hdr: 0, msg_len: 56 } as const;
/** `struct cmsghdr`: byte offsets; `size` is also the offset of the data, and messages are aligned to 8. */
export const CMSGHDR = { size: 16, cmsg_len: 0, cmsg_level: 8, cmsg_type: 12 } as const;
/** `struct in_pktinfo`: byte offsets. */
export const IN_PKTINFO = { size: 12, ipi_ifindex: 0, ipi_spec_dst: 4, ipi_addr: 8 } as const;
/** `struct in6_pktinfo`: byte offsets. */
export const IN6_PKTINFO = { size: 20, ipi6_addr: 0, ipi6_ifindex: 16 } as const;
/** `struct sock_extended_err`: byte offsets. */
export const SOCK_EXTENDED_ERR = {
  size: 16,
  ee_origin: 4,
  ee_type: 5,
  ee_code: 6,
  ee_info: 8,
} as const;
/** `struct epoll_event`: byte offsets; packed on x64 only. */
export const EPOLL_EVENT = { size: isX64 ? 12 : 16, events: 0, data: isX64 ? 4 : 8 } as const;

/** Arguments of socket(2). */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

/** Options of socket(7). */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_REUSEPORT = 15;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_ATTACH_REUSEPORT_CBPF = 51;
export const SO_MEMINFO = 55;

/** Places in what SO_MEMINFO tells, 32 bits each. */
export const SK_MEMINFO_RMEM_ALLOC = 0;
export const SK_MEMINFO_RCVBUF = 1;
export const SK_MEMINFO_VARS = 9;

/** `struct sock_fprog`: byte offsets. */
export const SOCK_FPROG = { size: 16, len: 0, filter: 8 } as const;
/** `struct sock_filter`: byte offsets. */
export const SOCK_FILTER = { size: 8, code: 0, jt: 2, jf: 3, k: 4 } as const;

/** What instructions of classic BPF are made of, and where it finds the network header. */
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_MISC = 0x07;
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_LEN = 0x80;
export const BPF_MSH = 0xa0;
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_RSH = 0x70;
export const BPF_MOD = 0x90;
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGE = 0x30;
export const BPF_K = 0x00;
export const BPF_X = 0x08;
export const BPF_A = 0x10;
export const BPF_TAX = 0x00;
export const SKF_NET_OFF = -0x100000;

/** Options of ip(7) and their values. */
export const IPPROTO_IP = 0;
export const IP_PKTINFO = 8;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
export const IP_PMTUDISC_DONT = 0;
export const IP_PMTUDISC_DO = 2;

/** Options of ipv6(7). */
export const IPPROTO_IPV6 = 41;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_DONTFRAG = 62;

/** Options of tcp(7). */
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;

/** Options of udp(7). */
export const IPPROTO_UDP = 17;
export const UDP_SEGMENT = 103;

/** Flags of recvmsg(2) and sendmsg(2). */
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;

/** Who reports an error, see IP_RECVERR in ip(7). */
export const SO_EE_ORIGIN_ICMP = 2;
export const SO_EE_ORIGIN_ICMP6 = 3;

/** Operations of epoll_ctl(2), then events of epoll(7). */
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLONESHOT = 0x40000000;
export const EPOLLET = 0x80000000;

/** Clock of clock_gettime(2). */
export const CLOCK_MONOTONIC = 1;
/** `struct timespec`: byte offsets. */
export const TIMESPEC = { size: 16, tv_sec: 0, tv_nsec: 8 } as const;

/** Flags of eventfd(2). */
export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;

/** Numbers of system calls. */
export const SYS_recvmmsg = isX64 ? 299 : 243;
export const SYS_sendmmsg = isX64 ? 307 : 269;
/** Most messages that one `recvmmsg` or `sendmmsg` takes. */
export const UIO_MAXIOV = 1024;
