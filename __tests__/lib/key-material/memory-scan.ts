import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Turns a secret into something that can be kept for the search without being found by it. */
export const MASK = 0x5a;
/** Bytes of the secret that count as a copy of it. */
const PREFIX = 16;
/** Bytes of it that are looked for first: too few to be a copy, and enough to be rare, whatever they are. */
const NEEDLE = 4;
const CHUNK = 1 << 20;

/** True where this process can read its own memory: on Linux, unless a container forbids it. */
export function canScan(): boolean {
  try {
    closeSync(openSync('/proc/self/mem', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** How often the first half of the secret stands anywhere in the readable memory of this process: heap, stacks, buffers. */
export function copiesInMemory(masked: Buffer): number {
  const memory = openSync('/proc/self/mem', 'r');
  const chunk = Buffer.alloc(CHUNK + PREFIX);
  let copies = 0;
  for (const [start, end] of readableRegions()) {
    for (let at = start; at < end; at += CHUNK) {
      const read = readAt(memory, chunk, Math.min(CHUNK + PREFIX, end - at), at);
      copies += copiesIn(chunk.subarray(0, read), masked);
    }
  }
  chunk.fill(0);
  closeSync(memory);
  return copies;
}

/** All but the kernel's own pages, and files mapped for reading alone, which this process cannot have written to. */
function* readableRegions(): Generator<readonly [number, number]> {
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const found = /^([0-9a-f]+)-([0-9a-f]+) r(\S)\S\S \S+ \S+ (\d+)/.exec(line);
    if (!found || line.includes('[v') || (found[3] === '-' && found[4] !== '0')) continue;
    yield [Number.parseInt(found[1] ?? '', 16), Number.parseInt(found[2] ?? '', 16)];
  }
}

function readAt(memory: number, chunk: Buffer, length: number, at: number): number {
  try {
    return readSync(memory, chunk, 0, length, at);
  } catch {
    return 0;
  }
}

function copiesIn(bytes: Buffer, masked: Buffer): number {
  const needle = Buffer.from(masked.subarray(0, NEEDLE).map((byte) => byte ^ MASK));
  let copies = 0;
  for (let at = bytes.indexOf(needle); at >= 0 && at + PREFIX <= Math.min(bytes.length, CHUNK + PREFIX - 1); ) {
    let same = NEEDLE;
    while (same < PREFIX && ((bytes[at + same] ?? 0) ^ MASK) === masked[same]) same += 1;
    if (same === PREFIX) copies += 1;
    at = bytes.indexOf(needle, at + 1);
  }
  needle.fill(0);
  return copies;
}
