import { createHash } from 'node:crypto';
import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { KeyturnError } from '../errors';
import { type PlannedBackend, plannedBackend } from './plan-file-backend';
import { directoryStart, refuseGaps } from './zip-layout';

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
/** Not read: the state is large, and the JSON plan holds what a review needs of it. */
const STATES = ['tfstate', 'tfstate-prev'];
const isRead = (name: string): boolean =>
  name === PLAN || name === LOCK || name === MODULES || CONFIGURATION.test(name);

/**
 * Reads a plan file, which is a zip file of Terraform's, and refuses one that two readers could read differently: an
 * entry twice, anything before, between or after the entries, a wrong size or checksum. An entry that Terraform does not
 * write is refused too.
 *
 * @param name - how errors call the file
 * @throws KeyturnError `review-plan-unreadable`
 */
export async function readPlanFile(bytes: Buffer, name: string): Promise<PlanFileContent> {
  try {
    directoryStart(bytes);
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

async function entriesOf(bytes: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true, strictFileNames: true }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    );
  });
  return new Promise((resolve, reject) => {
    const found = new Map<string, Buffer>();
    const names = new Map<string, Entry>();
    zip.on('error', reject);
    zip.on('end', () => {
      try {
        refuseGaps(bytes, [...names.values()]);
        resolve(found);
      } catch (error) {
        reject(error);
      }
    });
    zip.on('entry', (entry: Entry) => {
      if (names.has(entry.fileName)) return reject(new Error(`it holds ${entry.fileName} twice`));
      names.set(entry.fileName, entry);
      if (STATES.includes(entry.fileName)) return zip.readEntry();
      if (!isRead(entry.fileName))
        return reject(new Error(`it holds ${entry.fileName}, which Terraform does not write`));
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

/** What Terraform writes of a module. */
const MODULE: readonly string[] = ['Key', 'Source', 'Version', 'Dir'];

function modulesIn(content: Buffer | undefined): readonly string[] {
  const modules: unknown = JSON.parse(content?.toString('utf8') ?? '[]');
  if (!Array.isArray(modules)) throw new Error(`${MODULES} is no list`);
  return modules.map((one: unknown) => {
    const members = typeof one === 'object' && one !== null ? Object.entries(one) : [];
    // Go reads `key` as `Key`.
    const strange = members.find(([name, value]) => !MODULE.includes(name) || typeof value !== 'string');
    const key = members.find(([name]) => name === 'Key')?.[1];
    if (strange !== undefined || key === undefined) throw new Error(`${MODULES} holds another thing than modules`);
    return String(key);
  });
}
