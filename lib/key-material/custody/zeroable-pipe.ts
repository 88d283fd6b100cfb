import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A pipe whose bytes come to rest in one buffer of ours and nowhere else. */
export interface ZeroablePipe {
  /** Goes to the child as its stdout; {@link ZeroablePipe.release} it once the child has it. */
  readonly writer: Socket;
  /** Closes our copy of the writing end, so that the end of the child is the end of the pipe. */
  release(): void;
  /** Resolves once nobody can write any more. */
  readonly ended: Promise<void>;
  /** Resolves where more than the limit arrives. */
  readonly overflowed: Promise<void>;
  /** Stops reading and hands over what has arrived, in place, at most up to the limit: the caller's to zero. */
  take(): Buffer;
}

/**
 * Node reads an ordinary pipe into blocks that it shrinks and frees without zeroing, so a copy of what came through stays
 * in the heap now and then. A connected socket can read into a buffer of the caller's choice; a child's stdout cannot.
 *
 * @param limit - bytes that are kept
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

/** Two ends of a local socket. Its name exists in a folder of our own, and only until the two have met. */
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
    // A child that is killed resets the connection; its exit tells what happened.
    reader.on('error', () => undefined);
    writer.on('error', () => undefined);
    reader.resume();
    return { reader, writer };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
