/*
 * What relaying ChannelData costs at least: the bench measures servers against this forwarder.
 *
 * It makes the same system calls for the same batches as the gateway's reactor and does next to nothing besides. It
 * speaks as much STUN as the load generator needs: every request is granted, without credentials and for ever, and a
 * client has one channel. With --segment, packets of one size that follow each other to one destination leave as one
 * (UDP_SEGMENT of udp(7)).
 *
 * Usage: forwarder --address IPV4 --port NUMBER [--segment]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
  EVENTS_MAX = 256,
  /* Datagrams taken from the listener with one system call, and how many times before relay sockets have their turn. */
  UPSTREAM_SLOTS = 64,
  UPSTREAM_BATCHES_MAX = 4,
  /* Datagrams from peers that wait for the end of the turn, and how many one relay socket may add. */
  DOWNSTREAM_SLOTS = 128,
  RELAY_RECEIVE_MAX = 32,
  DATAGRAM_BYTES_MAX = 65507,
  CHANNEL_HEADER_BYTES = 4,
  CHANNEL_MIN = 0x4000,
  /* An odd number of cache lines: the beginnings of slots fall into different sets of the first-level cache. */
  SLOT_BYTES = ((CHANNEL_HEADER_BYTES + DATAGRAM_BYTES_MAX + 63) / 64 | 1) * 64,
  SEGMENTS_MAX = 64,
  SEGMENTED_BYTES_MAX = 65000,
  /* A segment has to fit into the path's MTU with its IPv4 and UDP headers. */
  SEGMENT_BYTES_MAX = 1500 - 28,
  BUFFER_BYTES = 4 * 1024 * 1024,
  CLIENTS_MAX = 65536,
  CLIENT_TABLE_BITS = 17,
  DESCRIPTORS = CLIENTS_MAX + 64,
  NONE = -1,
};

enum {
  STUN_HEADER_BYTES = 20,
  STUN_COOKIE = 0x2112a442,
  STUN_IPV4 = 1,
  STUN_SUCCESS = 0x0100,
  STUN_ERROR = 0x0110,
  BINDING = 0x001,
  ALLOCATE = 0x003,
  CREATE_PERMISSION = 0x008,
  CHANNEL_BIND = 0x009,
  ERROR_CODE = 0x0009,
  CHANNEL_NUMBER = 0x000c,
  LIFETIME = 0x000d,
  XOR_PEER_ADDRESS = 0x0012,
  XOR_RELAYED_ADDRESS = 0x0016,
  XOR_MAPPED_ADDRESS = 0x0020,
  INSUFFICIENT_CAPACITY = 5 << 8 | 8,
  LIFETIME_SECONDS = 3600,
};

typedef struct sockaddr_in Address;

/* A client with an allocation, in the table slot that its address leads to; one cache line. */
typedef struct {
  _Alignas(64) Address address;
  Address peer;
  Address relayed;
  int fd; /* its relay socket; 0 marks a table slot that is free */
  uint16_t channel;
  /* First and last upstream slot that waits to be sent through the relay socket. */
  int16_t queue_head, queue_tail;
} Client;

/* Datagrams received with one system call; the channel's header has room in front of each. */
typedef struct {
  struct mmsghdr messages[DOWNSTREAM_SLOTS];
  struct iovec vectors[DOWNSTREAM_SLOTS];
  Address senders[DOWNSTREAM_SLOTS];
  _Alignas(64) uint8_t bytes[DOWNSTREAM_SLOTS][SLOT_BYTES];
} Slots;

/* Datagrams to be sent through one socket with one system call, wherever they lie. */
typedef struct {
  struct mmsghdr messages[DOWNSTREAM_SLOTS];
  struct iovec vectors[DOWNSTREAM_SLOTS];
  _Alignas(struct cmsghdr) uint8_t controls[DOWNSTREAM_SLOTS][CMSG_SPACE(sizeof(uint16_t))];
  int message_count, vector_count;
  size_t run_bytes;
  bool takes_more; /* whether the last message may get another segment */
} SendBatch;

static Slots upstream, downstream;
static SendBatch to_peers, to_clients;
static Client clients[1 << CLIENT_TABLE_BITS];
static int client_count;
static int listener, poller;
static Address listener_address;
static bool segmenting;
static int downstream_count; /* slots in use until the end of the turn */
static Client *senders[UPSTREAM_SLOTS]; /* clients of the current upstream batch, each once */
static int sender_count;
static int16_t next_of_sender[UPSTREAM_SLOTS];
static uint16_t upstream_lengths[UPSTREAM_SLOTS];

static void fail(const char *what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static unsigned read16(const uint8_t *at) {
  return (unsigned)at[0] << 8 | at[1];
}

static uint32_t read32(const uint8_t *at) {
  return (uint32_t)read16(at) << 16 | read16(at + 2);
}

/* Writes an integer and returns where the next one goes. */
static uint8_t *put16(uint8_t *at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
  return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value) {
  return put16(put16(at, value >> 16), value & 0xffff);
}

static bool same_address(const Address *a, const Address *b) {
  return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

/* ---- Batches ---- */

static void init_slots(Slots *slots) {
  for (int slot = 0; slot < DOWNSTREAM_SLOTS; slot++) {
    slots->vectors[slot].iov_base = slots->bytes[slot] + CHANNEL_HEADER_BYTES;
    slots->vectors[slot].iov_len = DATAGRAM_BYTES_MAX;
    slots->messages[slot].msg_hdr = (struct msghdr){
        .msg_name = &slots->senders[slot],
        .msg_namelen = sizeof(Address),
        .msg_iov = &slots->vectors[slot],
        .msg_iovlen = 1,
    };
  }
}

/* Lengths need no reset between calls: an IPv4 address is always as long, and control messages are not asked for. */
static int receive_batch(Slots *slots, int fd, int first, int count) {
  return recvmmsg(fd, slots->messages + first, (unsigned)count, MSG_DONTWAIT, NULL);
}

static void init_batch(SendBatch *batch) {
  for (int index = 0; index < DOWNSTREAM_SLOTS; index++) {
    struct cmsghdr *control = (struct cmsghdr *)batch->controls[index];
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    batch->messages[index].msg_hdr = (struct msghdr){
        .msg_namelen = sizeof(Address),
        .msg_control = control,
    };
  }
}

/* Adds a segment to the last message when it belongs to the same run. */
static bool extend_run(SendBatch *batch, const Address *destination, size_t length) {
  if (!batch->takes_more) return false;
  struct msghdr *message = &batch->messages[batch->message_count - 1].msg_hdr;
  size_t segment_bytes = message->msg_iov[0].iov_len;
  if (message->msg_name != destination || length > segment_bytes || length == 0) return false;
  if (message->msg_iovlen == SEGMENTS_MAX) return false;
  if (batch->run_bytes + length > SEGMENTED_BYTES_MAX) return false;
  *(uint16_t *)CMSG_DATA((struct cmsghdr *)message->msg_control) = (uint16_t)segment_bytes;
  message->msg_controllen = sizeof batch->controls[0];
  message->msg_iovlen++;
  batch->run_bytes += length;
  batch->takes_more = length == segment_bytes;
  return true;
}

/* Adds a datagram; bytes and destination stay where they are until the batch is sent. */
static void add_datagram(SendBatch *batch, Address *destination, uint8_t *bytes, size_t length) {
  struct iovec *vector = &batch->vectors[batch->vector_count++];
  vector->iov_base = bytes;
  vector->iov_len = length;
  if (segmenting && extend_run(batch, destination, length)) return;
  struct msghdr *message = &batch->messages[batch->message_count++].msg_hdr;
  message->msg_name = destination;
  message->msg_iov = vector;
  message->msg_iovlen = 1;
  message->msg_controllen = 0;
  batch->run_bytes = length;
  batch->takes_more = length > 0 && length <= SEGMENT_BYTES_MAX;
}

/* A datagram that cannot be sent is left out; when there is no room, the rest is dropped. */
static void send_batch(SendBatch *batch, int fd) {
  int next = 0;
  while (next < batch->message_count) {
    unsigned count = (unsigned)(batch->message_count - next);
    int sent = sendmmsg(fd, batch->messages + next, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) break;
    next += sent > 0 ? sent : 1;
  }
  batch->message_count = batch->vector_count = 0;
  batch->takes_more = false;
}

/* ---- Clients ---- */

/* The table slot of an address, or the free one where it would be; at most half of them are taken. */
static Client *find_client(const Address *address) {
  uint64_t key = (uint64_t)address->sin_addr.s_addr << 16 | address->sin_port;
  uint32_t slot = (uint32_t)(key * 0x9e3779b97f4a7c15u >> (64 - CLIENT_TABLE_BITS));
  while (clients[slot].fd != 0 && !same_address(&clients[slot].address, address)) {
    slot = (slot + 1) & ((1 << CLIENT_TABLE_BITS) - 1);
  }
  return &clients[slot];
}

static int open_socket(Address *address) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return NONE;
  socklen_t length = sizeof *address;
  if (bind(fd, (struct sockaddr *)address, length) == 0 &&
      getsockname(fd, (struct sockaddr *)address, &length) == 0) {
    return fd;
  }
  close(fd);
  return NONE;
}

/* Watches a socket; without a client it is the listener. */
static bool watch(int fd, Client *client) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_relay(Client *client, const Address *address) {
  if (client_count == CLIENTS_MAX) return false;
  Address relayed = listener_address;
  relayed.sin_port = 0;
  int fd = open_socket(&relayed);
  if (fd < 0) return false;
  int mode = IP_PMTUDISC_DONT;
  if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode) < 0 || !watch(fd, client)) {
    close(fd);
    return false;
  }
  *client = (Client){.address = *address, .relayed = relayed, .fd = fd, .queue_head = NONE};
  client_count++;
  return true;
}

/* ---- STUN ---- */

/* The value of an attribute that is at least `bytes` long, or NULL. */
static const uint8_t *find(const uint8_t *message, size_t length, unsigned type, size_t bytes) {
  for (size_t at = STUN_HEADER_BYTES; at + 4 <= length;) {
    size_t value_bytes = read16(message + at + 2);
    if (at + 4 + value_bytes > length) return NULL;
    if (read16(message + at) == type) return value_bytes < bytes ? NULL : message + at + 4;
    at += 4 + ((value_bytes + 3) & ~(size_t)3);
  }
  return NULL;
}

static uint8_t *put_number(uint8_t *at, unsigned type, uint32_t value) {
  return put32(put16(put16(at, type), 4), value);
}

static uint8_t *put_xor_address(uint8_t *at, unsigned type, const Address *address) {
  at = put16(put16(put16(at, type), 8), STUN_IPV4);
  at = put16(at, ntohs(address->sin_port) ^ STUN_COOKIE >> 16);
  return put32(at, ntohl(address->sin_addr.s_addr) ^ STUN_COOKIE);
}

static void bind_channel(Client *client, const uint8_t *message, size_t length) {
  const uint8_t *number = find(message, length, CHANNEL_NUMBER, 4);
  const uint8_t *peer = find(message, length, XOR_PEER_ADDRESS, 8);
  if (number == NULL || peer == NULL) return;
  client->channel = (uint16_t)read16(number);
  client->peer.sin_family = AF_INET;
  client->peer.sin_port = htons((uint16_t)(read16(peer + 2) ^ STUN_COOKIE >> 16));
  client->peer.sin_addr.s_addr = htonl(read32(peer + 4) ^ STUN_COOKIE);
}

static void answer_request(const Address *from, const uint8_t *message, size_t length) {
  uint8_t reply[128];
  uint8_t *end = reply + STUN_HEADER_BYTES;
  unsigned method = read16(message);
  unsigned class = STUN_SUCCESS;
  Client *client = find_client(from);
  if (method == BINDING) {
    end = put_xor_address(end, XOR_MAPPED_ADDRESS, from);
  } else if (method == ALLOCATE && (client->fd != 0 || open_relay(client, from))) {
    end = put_xor_address(end, XOR_RELAYED_ADDRESS, &client->relayed);
    end = put_xor_address(end, XOR_MAPPED_ADDRESS, from);
    end = put_number(end, LIFETIME, LIFETIME_SECONDS);
  } else if (method == ALLOCATE) {
    class = STUN_ERROR;
    end = put_number(end, ERROR_CODE, INSUFFICIENT_CAPACITY);
  } else if (method == CHANNEL_BIND && client->fd != 0) {
    bind_channel(client, message, length);
  } else if (method != CREATE_PERMISSION) {
    return;
  }
  put16(put16(reply, method | class), (unsigned)(end - reply) - STUN_HEADER_BYTES);
  memcpy(reply + 4, message + 4, STUN_HEADER_BYTES - 4);
  const struct sockaddr *to = (const struct sockaddr *)from;
  sendto(listener, reply, (size_t)(end - reply), MSG_DONTWAIT, to, sizeof *from);
}

/* ---- The packet path ---- */

static void queue_to_peer(Client *client, int slot, size_t length) {
  upstream_lengths[slot] = (uint16_t)length;
  next_of_sender[slot] = NONE;
  if (client->queue_head == NONE) {
    senders[sender_count++] = client;
    client->queue_head = (int16_t)slot;
  } else {
    next_of_sender[client->queue_tail] = (int16_t)slot;
  }
  client->queue_tail = (int16_t)slot;
}

static void handle_client_datagram(int slot) {
  const uint8_t *bytes = upstream.vectors[slot].iov_base;
  const Address *from = &upstream.senders[slot];
  size_t length = upstream.messages[slot].msg_len;
  if (length < CHANNEL_HEADER_BYTES) return;
  unsigned first = read16(bytes);
  if (first >= CHANNEL_MIN) {
    Client *client = find_client(from);
    size_t payload_bytes = read16(bytes + 2);
    if (client->fd == 0 || client->channel != first) return;
    if (payload_bytes > length - CHANNEL_HEADER_BYTES) return;
    queue_to_peer(client, slot, payload_bytes);
  } else if (length >= STUN_HEADER_BYTES && read32(bytes + 4) == STUN_COOKIE) {
    answer_request(from, bytes, length);
  }
}

/* Sends what a batch from the listener brought: one system call for each client that is in it. */
static void send_to_peers(void) {
  for (int index = 0; index < sender_count; index++) {
    Client *client = senders[index];
    for (int slot = client->queue_head; slot != NONE; slot = next_of_sender[slot]) {
      uint8_t *payload = (uint8_t *)upstream.vectors[slot].iov_base + CHANNEL_HEADER_BYTES;
      add_datagram(&to_peers, &client->peer, payload, upstream_lengths[slot]);
    }
    client->queue_head = NONE;
    send_batch(&to_peers, client->fd);
  }
  sender_count = 0;
}

static void receive_from_clients(void) {
  for (int batch = 0; batch < UPSTREAM_BATCHES_MAX; batch++) {
    int count = receive_batch(&upstream, listener, 0, UPSTREAM_SLOTS);
    for (int slot = 0; slot < count; slot++) handle_client_datagram(slot);
    send_to_peers();
    if (count < UPSTREAM_SLOTS) return;
  }
}

static void send_to_clients(void) {
  if (to_clients.message_count > 0) send_batch(&to_clients, listener);
  downstream_count = 0;
}

static void receive_from_peer(Client *client) {
  if (downstream_count == DOWNSTREAM_SLOTS) send_to_clients();
  int first = downstream_count;
  int free_slots = DOWNSTREAM_SLOTS - first;
  int wanted = free_slots < RELAY_RECEIVE_MAX ? free_slots : RELAY_RECEIVE_MAX;
  int count = receive_batch(&downstream, client->fd, first, wanted);
  if (count < 0) return;
  downstream_count += count;
  for (int slot = first; slot < first + count; slot++) {
    if (!same_address(&downstream.senders[slot], &client->peer)) continue;
    unsigned length = downstream.messages[slot].msg_len;
    uint8_t *start = downstream.bytes[slot];
    put16(put16(start, client->channel), length);
    add_datagram(&to_clients, &client->address, start, CHANNEL_HEADER_BYTES + length);
  }
}

static _Noreturn void run(void) {
  static struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS_MAX, -1);
    for (int index = 0; index < count; index++) {
      Client *client = events[index].data.ptr;
      if (client == NULL) receive_from_clients();
      else receive_from_peer(client);
    }
    send_to_clients();
  }
}

/* ---- Start ---- */

/* Beyond the system's limit only a privileged process may go. */
static void set_buffer_size(int force, int plain) {
  int bytes = BUFFER_BYTES;
  if (setsockopt(listener, SOL_SOCKET, force, &bytes, sizeof bytes) == 0) return;
  if (setsockopt(listener, SOL_SOCKET, plain, &bytes, sizeof bytes) < 0) fail("setsockopt");
}

static void raise_descriptor_limit(void) {
  struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("setrlimit");
}

static bool read_options(int argc, char **argv) {
  static const struct option OPTIONS[] = {
      {"address", required_argument, NULL, 'a'},
      {"port", required_argument, NULL, 'p'},
      {"segment", no_argument, NULL, 's'},
      {0},
  };
  bool valid = true;
  listener_address.sin_family = AF_INET;
  for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) >= 0;) {
    if (option == 'a') valid &= inet_pton(AF_INET, optarg, &listener_address.sin_addr) == 1;
    else if (option == 'p') listener_address.sin_port = htons((uint16_t)atoi(optarg));
    else if (option == 's') segmenting = true;
    else valid = false;
  }
  return valid && listener_address.sin_port != 0 && optind == argc;
}

int main(int argc, char **argv) {
  if (!read_options(argc, argv)) {
    fputs("usage: forwarder --address IPV4 --port NUMBER [--segment]\n", stderr);
    return EXIT_FAILURE;
  }
  raise_descriptor_limit();
  init_slots(&upstream);
  init_slots(&downstream);
  init_batch(&to_peers);
  init_batch(&to_clients);
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) fail("epoll_create1");
  listener = open_socket(&listener_address);
  if (listener < 0) fail("bind");
  set_buffer_size(SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer_size(SO_SNDBUFFORCE, SO_SNDBUF);
  if (!watch(listener, NULL)) fail("epoll_ctl");
  run();
}
