import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import { type BundleFile, bundleFiles } from '../evidence/bundle';
import { bucketExists } from '../s3/bucket-default';
import type { ArchiveAccess } from './archive-access';
import { archiveBucket } from './archive-bucket';

/** Files on their way at once: each is in memory for that time. */
const LANES = 4;

/** Where a rotation's evidence stands in its bucket. */
export function archivePrefix(rotation: { readonly name: string }): string {
  return `${rotation.name}/`;
}

/** What the bucket has of the evidence now. */
export interface Archived {
  readonly bucket: string;
  /** Files that were put now. */
  readonly put: number;
  /** Files that were there already. */
  readonly there: number;
}

export interface PutEvidence extends ArchiveAccess {
  /** Where the runs of this working directory leave theirs. */
  readonly directory: string;
  readonly onProgress?: (text: string) => void;
}

/**
 * Puts every file of the rotation's evidence into the bucket for it that is not there yet, those of runs that were killed
 * too. Nothing that is there is ever replaced.
 *
 * @returns undefined where the rotation file names no such bucket
 * @throws evidence-bucket-missing where it is not there; evidence-not-archived when not everything could be put
 */
export async function putEvidence(options: PutEvidence): Promise<Archived | undefined> {
  const { rotation, clients, identity, directory, onProgress = () => {} } = options;
  const bucket = rotation.evidence.bucket?.name;
  if (bucket === undefined) return undefined;
  let files: readonly BundleFile[] = [];
  let put = 0;
  try {
    files = await bundleFiles(directory, rotation.name);
    if (!(await bucketExists(clients.s3, bucket, identity.account))) {
      throw new KeyturnError('evidence-bucket-missing', { bucket });
    }
    const archive = archiveBucket(clients.s3, bucket, identity.account);
    const prefix = archivePrefix(rotation);
    const there = await archive.sizes(prefix);
    const missing = files.filter(({ name }) => !there.has(`${prefix}${name}`)).values();
    const lane = async () => {
      for (const file of missing) {
        const body = await readFile(file.path);
        const sha256 = createHash('sha256').update(body).digest('hex');
        const result = await archive.put({ key: `${prefix}${file.name}`, body, sha256, type: typeOf(file) });
        if (result === 'put') put += 1;
        onProgress(`evidence to ${bucket}: ${put} file(s)`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    refuseAnother(bucket, files, put, (name) => there.get(`${prefix}${name}`));
    return { bucket, put, there: files.length - put };
  } catch (error) {
    if (error instanceof KeyturnError && error.code === 'evidence-bucket-missing') throw error;
    const reason = error instanceof KeyturnError ? `${error.code}: ${error.message}` : String(error);
    throw new KeyturnError('evidence-not-archived', { bucket, files: files.length, put, reason }, error);
  }
}

/** A file that grew or shrank since it was put is not the one that the bucket keeps. */
function refuseAnother(
  bucket: string,
  files: readonly BundleFile[],
  put: number,
  sizeThere: (name: string) => number | undefined,
): void {
  const other = files.find(({ name, size }) => ![undefined, size].includes(sizeThere(name)));
  if (!other) return;
  throw new KeyturnError('evidence-not-archived', {
    bucket,
    files: files.length,
    put,
    reason: `${other.name} has ${other.size} bytes here and ${sizeThere(other.name)} bytes there: one of the two was changed`,
  });
}

const typeOf = ({ path: file }: BundleFile): string =>
  path.extname(file) === '.gz' ? 'application/gzip' : 'application/x-ndjson';
