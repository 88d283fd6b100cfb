import { createHash } from 'node:crypto';
import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { KeyturnError } from '../errors';
import { type PlannedBackend, plannedBackend } from './plan-file-backend';

/** What a plan file holds of the configuration that it was made from. */
export interface PlanFileContent {
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
  /** Files of the configuration by their path, `cdk.tf.json`; a module below the root has its own folder in it. */
  readonly configuration: Readonly<Record<string, string>>;
  /** Names of the modules; the root is the empty name. */
  readonly modules: readonly string[];
  /** `.terraform.lock.hcl`; undefined: there was none. */
  readonly lock: string | undefined;
  /** Where the state is that the plan was made against and that its apply writes. */
  readonly backend: PlannedBackend;
}

/** Far above a stack of a rotation. A zip file can expand to a thousand times its size. */
const MOST_BYTES = 64 * 1024 * 1024;

/** How Terraform names the entries of a plan file. */
const PLAN = 'tfplan';
const LOCK = '.terraform.lock.hcl';
const MODULES = 'tfconfig/modules.json';
const CONFIGURATION = /^tfconfig\/m-([^/]*)\/(.+)$/;
/** The entries that are read. The state is none of them: it is large, and the JSON plan holds what a review needs of it. */
const isRead = (name: string): boolean => name === PLAN || name === LOCK || name.startsWith('tfconfig/');

/**
 * Reads a plan file, which is a zip file of Terraform's, and refuses one that two readers could read differently: an
 * entry twice, anything before or after the entries, a wrong size or checksum.
 *
 * @param name - how errors call the file
 * @throws KeyturnError `review-plan-unreadable`
 */
export async function readPlanFile(bytes: Buffer, name: string): Promise<PlanFileContent> {
  try {
    refuseAmbiguous(bytes);
    const entries = await entriesOf(bytes);
    const plan = entries.get(PLAN);
    if (plan === undefined) throw new Error(`it has no ${PLAN}`);
    const files = [...entries].flatMap(([entry, content]) => {
      const [, module, file] = CONFIGURATION.exec(entry) ?? [];
      if (file === undefined) return [];
      return [[module === '' ? file : `${module}/${file}`, content.toString('utf8')] as const];
    });
    return {
      sha256: createHash('sha256').update(bytes).digest('hex'),
      configuration: Object.fromEntries(files),
      modules: modulesIn(entries.get(MODULES)),
      lock: entries.get(LOCK)?.toString('utf8'),
      backend: plannedBackend(plan),
    };
  } catch (error) {
    const reason = `it is no plan file that can be read: ${error instanceof Error ? error.message : 'unknown'}`;
    throw new KeyturnError('review-plan-unreadable', { file: name, reason }, error);
  }
}

const END_RECORD = 0x06054b50;
const END_SIZE = 22;

/** Readers look for the end record in different ways; it is found alike only where it is the last thing in the file. */
function refuseAmbiguous(bytes: Buffer): void {
  const end = bytes.length - END_SIZE;
  if (end < 0 || bytes.readUInt32LE(end) !== END_RECORD) throw new Error('something stands after its end record');
  if (bytes.readUInt32LE(end + 12) + bytes.readUInt32LE(end + 16) !== end)
    throw new Error('its directory is not where its end record says');
}

async function entriesOf(bytes: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true, strictFileNames: true }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    );
  });
  return new Promise((resolve, reject) => {
    const found = new Map<string, Buffer>();
    const names = new Set<string>();
    zip.on('error', reject);
    zip.on('end', () => resolve(found));
    zip.on('entry', (entry: Entry) => {
      if (names.has(entry.fileName)) return reject(new Error(`it holds ${entry.fileName} twice`));
      names.add(entry.fileName);
      if (!isRead(entry.fileName)) return zip.readEntry();
      contentOf(zip, entry).then((content) => {
        found.set(entry.fileName, content);
        zip.readEntry();
      }, reject);
    });
    zip.readEntry();
  });
}

/**
 * The content of an entry. It is inflated here and not by the library, whose stream neither ends nor fails for some damaged
 * entries (yauzl 3.4.0).
 */
async function contentOf(zip: ZipFile, entry: Entry): Promise<Buffer> {
  if (entry.uncompressedSize > MOST_BYTES) throw new Error(`${entry.fileName} is too large`);
  const stored = await storedBytes(zip, entry);
  const content = entry.isCompressed() ? inflateRawSync(stored, { maxOutputLength: MOST_BYTES }) : stored;
  if (content.length !== entry.uncompressedSize || crc32(content) !== entry.crc32) {
    throw new Error(`${entry.fileName} does not match its checksum`);
  }
  return content;
}

function storedBytes(zip: ZipFile, entry: Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { decompress: entry.isCompressed() ? false : null, decrypt: null, start: null, end: null };
    zip.openReadStream(entry, options, (error, stream) => {
      if (error) reject(error);
      else stream.toArray().then((chunks) => resolve(Buffer.concat(chunks as Buffer[])), reject);
    });
  });
}

function modulesIn(content: Buffer | undefined): readonly string[] {
  const modules: unknown = JSON.parse(content?.toString('utf8') ?? '[]');
  if (!Array.isArray(modules)) throw new Error(`${MODULES} is no list`);
  return modules.map((one: unknown) => String((one as { readonly Key?: unknown } | null)?.Key));
}
