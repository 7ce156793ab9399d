/** What a piece of code wrote, and what it returned. */
export interface Captured<Value> {
  readonly value: Value;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs code and keeps what it writes to standard output and standard error; nothing else must write meanwhile. */
export async function captureOutput<Value>(run: () => Promise<Value>): Promise<Captured<Value>> {
  const [stdout, stderr] = [divert(process.stdout), divert(process.stderr)];
  try {
    const value = await run();
    return { value, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.restore();
    stderr.restore();
  }
}

function divert(stream: NodeJS.WriteStream): { text(): string; restore(): void } {
  const write = Object.getOwnPropertyDescriptor(stream, 'write');
  let text = '';
  stream.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  return {
    text: () => text,
    restore: () => {
      Reflect.deleteProperty(stream, 'write');
      if (write !== undefined) Object.defineProperty(stream, 'write', write);
    },
  };
}
