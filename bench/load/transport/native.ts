import { load } from 'koffi';

type Pointer = number | bigint;

/** What clients of streams need of the C library and of the OpenSSL of this process; addresses are native. */
export interface NativeClient {
  connect(fd: number, address: Pointer, length: number): number;
  fcntl(fd: number, command: number, value: number): number;
  TLS_client_method(): number;
  SSL_CTX_new(method: Pointer): number;
  SSL_CTX_ctrl(context: Pointer, command: number, value: number, pointer: Pointer): number;
  SSL_CTX_set_cipher_list(context: Pointer, list: string): number;
  SSL_new(context: Pointer): number;
  SSL_free(ssl: Pointer): void;
  SSL_set_fd(ssl: Pointer, fd: number): number;
  SSL_connect(ssl: Pointer): number;
  SSL_read(ssl: Pointer, buffer: Pointer, length: number): number;
  SSL_write(ssl: Pointer, buffer: Pointer, length: number): number;
  SSL_get_error(ssl: Pointer, result: number): number;
}

const POINTER = 'intptr_t';

const PROTOTYPES = {
  connect: ['int', ['int', POINTER, 'uint32_t']],
  fcntl: ['int', ['int', 'int', 'int']],
  TLS_client_method: [POINTER, []],
  SSL_CTX_new: [POINTER, [POINTER]],
  SSL_CTX_ctrl: ['long', [POINTER, 'int', 'long', POINTER]],
  SSL_CTX_set_cipher_list: ['int', [POINTER, 'str']],
  SSL_new: [POINTER, [POINTER]],
  SSL_free: ['void', [POINTER]],
  SSL_set_fd: ['int', [POINTER, 'int']],
  SSL_connect: ['int', [POINTER]],
  SSL_read: ['int', [POINTER, POINTER, 'int']],
  SSL_write: ['int', [POINTER, POINTER, 'int']],
  SSL_get_error: ['int', [POINTER, 'int']],
} as const;

const library = load(null);

/** The functions, found in this process. */
export const native = Object.fromEntries(
  Object.entries(PROTOTYPES).map(([name, [result, parameters]]) => [
    name,
    library.func(name, result, [...parameters]),
  ]),
) as unknown as NativeClient;
