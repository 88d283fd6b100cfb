import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const SPECS = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const;
type Spec = (typeof SPECS)[number];

/** Two of a size, so that two keys that are imported one after the other are not wrapped under the same pair. */
const OF_A_SIZE = 2;

/** Names the file for the workers; no product code reads it. */
const VARIABLE = 'KEYTURN_TEST_WRAPPING_KEYS';

/** PEM of the private keys, by size. */
type Kept = Readonly<Record<Spec, readonly string[]>>;

const generate = promisify(generateKeyPair);

/**
 * Makes RSA keys in Jest's own cache, once a machine, since a 4096-bit key costs more than a second of CPU. They are not
 * committed: a private key in a repository is a finding of every secret scanner, and whoever copies it makes it real.
 * @param cacheDirectory - of Jest; `jest --clearCache` removes the keys too
 */
export async function makeWrappingKeys(cacheDirectory: string, newKey = generateKey): Promise<void> {
  const file = path.join(cacheDirectory, 'keyturn-wrapping-keys.json');
  process.env[VARIABLE] = file;
  if (isUsable(file)) return;
  await mkdir(cacheDirectory, { recursive: true });
  const made = await Promise.all(
    SPECS.map(
      async (spec) => [spec, await Promise.all(Array.from({ length: OF_A_SIZE }, () => newKey(spec)))] as const,
    ),
  );
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(Object.fromEntries(made)), { mode: 0o600 });
  // Runs that start together each make a set; the last one stands, whole.
  await rename(temporary, file);
}

/** Ready-made keys of a size, in turn. Its type is that of the endpoint's option. */
export function createReadyMadeKeys(): (spec: Spec) => Promise<KeyObject> {
  const handedOut: Record<Spec, number> = { RSA_2048: 0, RSA_3072: 0, RSA_4096: 0 };
  return async (spec) => {
    handedOut[spec] += 1;
    return readyMadeKey(spec, handedOut[spec] % OF_A_SIZE);
  };
}

/** One of the ready-made keys. @throws Error where the global setup did not run */
export function readyMadeKey(spec: Spec, which = 0): KeyObject {
  kept ??= readKept(process.env[VARIABLE] ?? '');
  const pem = kept[spec][which];
  if (pem === undefined) throw new Error(`${VARIABLE} names a file with no ${spec} key of number ${which}`);
  return createPrivateKey(pem);
}

let kept: Kept | undefined;

const readKept = (file: string): Kept => JSON.parse(readFileSync(file, 'utf8'));

function isUsable(file: string): boolean {
  try {
    const found = readKept(file);
    return SPECS.every((spec) => found[spec].length === OF_A_SIZE);
  } catch {
    return false;
  }
}

async function generateKey(spec: Spec): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: Number(spec.slice('RSA_'.length)) });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
