import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A pipe that reads into one buffer and makes no other copy of the bytes. */
export interface ZeroablePipe {
  /** File descriptor for the child's stdout; call {@link ZeroablePipe.release} after the child has started. */
  readonly writer: Socket;
  /** Closes our copy of the writing end, so that the pipe ends with the child. */
  release(): void;
  /** Resolves when all writers have closed the pipe. */
  readonly ended: Promise<void>;
  /** Resolves if more than the limit arrives. */
  readonly overflowed: Promise<void>;
  /** Stops reading and returns the received bytes without copying, up to the limit; the caller must zero them. */
  take(): Buffer;
}

/**
 * Node reads an ordinary pipe into blocks that it frees without zeroing, so copies of the data can stay in the heap.
 * A connected socket can read into a buffer of the caller; a child's stdout cannot.
 *
 * @param limit - maximum bytes to read
 */
export async function openZeroablePipe(limit: number): Promise<ZeroablePipe> {
  const scratch = Buffer.from(new ArrayBuffer(limit + 1));
  const kept = Buffer.from(new ArrayBuffer(limit));
  let length = 0;
  let overflow: () => void = () => undefined;
  const overflowed = new Promise<void>((resolve) => {
    overflow = resolve;
  });
  const keep = (count: number): boolean => {
    const fits = Math.min(count, limit - length);
    scratch.copy(kept, length, 0, fits);
    scratch.fill(0);
    length += fits;
    if (fits < count) overflow();
    return true;
  };
  const { reader, writer } = await connectedPair(scratch, keep);
  const ended = once(reader, 'close').then(() => undefined);
  return {
    writer,
    release: () => writer.destroy(),
    ended,
    overflowed,
    take() {
      writer.destroy();
      reader.destroy();
      return kept.subarray(0, length);
    },
  };
}

/** Both ends of a local socket. Its name exists only until they are connected, in a private directory. */
async function connectedPair(scratch: Buffer, keep: (count: number) => boolean) {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-'));
  const server = createServer({ pauseOnConnect: true });
  try {
    const path = join(folder, 'pipe');
    server.listen(path);
    await once(server, 'listening');
    const reader = connect({ path, onread: { buffer: scratch, callback: keep } });
    const [[writer]] = (await Promise.all([once(server, 'connection'), once(reader, 'connect')])) as [
      [Socket],
      unknown,
    ];
    // A killed child resets the connection; its exit status shows the reason.
    reader.on('error', () => undefined);
    writer.on('error', () => undefined);
    reader.resume();
    return { reader, writer };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
