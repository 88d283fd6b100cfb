import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';

import { csvRecords } from './csv';
import { isAbsent, type JobFiles } from './job-files';
import { decodeKey } from './manifest-row';

type Files = Pick<JobFiles, 'bucket' | 'content'>;

/** One object that S3 listed. */
export interface ListedRow {
  /** The key; where two can be meant, both. */
  readonly keys: readonly [string, ...string[]];
  readonly versionId: string | undefined;
}

export interface ManifestFile {
  /** Bucket that every row must be of. */
  readonly bucket: string;
  readonly objectArn: string;
  /** Without quotes, as the job reports it. */
  readonly etag: string;
}

/**
 * Reads a manifest that S3 generated, row by row. AWS does not document whether the job names the CSV itself or the
 * `manifest.json` of an inventory that names its CSVs, gzipped or not. Both are read, and everything that shows whether
 * they are whole is compared.
 *
 * @throws RangeError for a manifest that is missing, changed, cut short, or of another bucket
 */
export async function readGeneratedManifest(
  files: Files,
  manifest: ManifestFile,
  onRow: (row: ListedRow) => void,
): Promise<void> {
  const key = keyIn(files.bucket, manifest.objectArn);
  const { etag, chunks } = await contentOf(files, key);
  if (etag !== manifest.etag.replaceAll('"', '')) {
    throw new RangeError(`${key} has the ETag ${etag}, and the job reports ${manifest.etag}`);
  }
  if (!key.endsWith('.json')) {
    const columns = { bucket: 0, key: 1, versionId: 2 };
    return readRows(key, key.endsWith('.gz') ? gunzipped(chunks) : chunks, manifest.bucket, columns, onRow);
  }
  const { fileSchema, files: named } = inventoryOf(key, await textOf(chunks));
  const columns = columnsOf(fileSchema);
  for (const one of named) {
    const hash = createHash('md5');
    const { chunks: bytes } = await contentOf(files, one.key);
    const read = hashed(bytes, hash);
    await readRows(one.key, one.key.endsWith('.gz') ? gunzipped(read) : read, manifest.bucket, columns, onRow);
    const digest = hash.digest('hex');
    if (digest !== one.MD5checksum.toLowerCase()) {
      throw new RangeError(`${one.key} has the MD5 ${digest}, and ${key} states ${one.MD5checksum}`);
    }
  }
}

const inventory = z.object({
  fileSchema: z.string(),
  files: z.array(z.object({ key: z.string(), MD5checksum: z.string() })),
});

function inventoryOf(key: string, text: string): z.infer<typeof inventory> {
  try {
    return inventory.parse(JSON.parse(text));
  } catch (error) {
    throw new RangeError(`${key} is no manifest of an inventory`, { cause: error });
  }
}

interface Columns {
  readonly bucket: number;
  readonly key: number;
  /** -1 where there is none. */
  readonly versionId: number;
}

function columnsOf(schema: string): Columns {
  const names = schema.split(',').map((name) => name.trim().toLowerCase());
  const columns = { bucket: names.indexOf('bucket'), key: names.indexOf('key'), versionId: names.indexOf('versionid') };
  if (columns.bucket < 0 || columns.key < 0) throw new RangeError(`its columns are ${JSON.stringify(schema)}`);
  return columns;
}

async function readRows(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  bucket: string,
  columns: Columns,
  onRow: (row: ListedRow) => void,
): Promise<void> {
  let number = 0;
  try {
    for await (const record of csvRecords(chunks)) {
      number += 1;
      const [of, key = '', versionId = ''] = [record[columns.bucket], record[columns.key], record[columns.versionId]];
      if (of !== bucket || key === '') throw new RangeError(`it is of the bucket ${JSON.stringify(of)}`);
      onRow({ keys: decodeKey(key), versionId: versionId === '' ? undefined : versionId });
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${file}, row ${number}: ${error.message}`, { cause: error });
  }
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

async function* gunzipped(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const source = Readable.from(chunks);
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip);
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    if (code.startsWith('Z_')) throw new RangeError('it is no whole gzip file', { cause: error });
    throw error;
  }
}

async function contentOf(files: Files, key: string) {
  try {
    return await files.content(key);
  } catch (error) {
    if (isAbsent(error)) throw new RangeError(`${key} is missing`, { cause: error });
    throw error;
  }
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const read: Uint8Array[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString('utf8');
}

function keyIn(bucket: string, objectArn: string): string {
  const start = `:::${bucket}/`;
  const at = objectArn.indexOf(start);
  if (at < 0) throw new RangeError(`it is at ${objectArn}, not in ${bucket}`);
  return objectArn.slice(at + start.length);
}
