import type { Caller } from '../../message';
import type { Task } from '../state/job';
import type { JobManifest } from '../wire/job-request';
import type { Acting } from './acting';
import { decodeListedKey, parseCsv } from './csv';

/** Why a job cannot begin, as `FailureReasons` tells it. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
  readonly code: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** Bucket and key of an object's ARN. */
export function placeOf(objectArn: string): { readonly bucket: string; readonly key: string } {
  const path = objectArn.slice(objectArn.indexOf(':::') + 3);
  const slash = path.indexOf('/');
  return { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

/**
 * Reads a CSV manifest as the role. The object must still be the one whose entity tag was given, and not be encrypted
 * under KMS. https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html#specify-batchjob-manifest
 *
 * @throws JobFailure
 */
export async function readManifest(acting: Acting, role: Caller, manifest: JobManifest): Promise<readonly Task[]> {
  const { ObjectArn, ObjectVersionId, ETag } = manifest.Location;
  const query: Record<string, string> = ObjectVersionId === undefined ? {} : { versionId: ObjectVersionId };
  const answer = await acting.send(role, { method: 'GET', ...placeOf(ObjectArn), query });
  if (answer.status === 403)
    throw new JobFailure('ManifestReadForbidden', `Reading the manifest is forbidden: ${answer.code}`);
  if (answer.status >= 300)
    throw new JobFailure('ManifestNotReadable', `Reading the manifest failed: ${answer.code}: ${answer.message}`);
  if ((answer.headers.etag ?? '').replaceAll('"', '') !== ETag.replaceAll('"', ''))
    throw new JobFailure('ManifestETagMismatch', 'The ETag of the manifest object is not the ETag of the job.');
  if (answer.headers['x-amz-server-side-encryption']?.startsWith('aws:kms'))
    throw new JobFailure(
      'ManifestEncryptionNotSupported',
      'CSV manifests that are encrypted with SSE-KMS are not supported.',
    );
  return tasksOf(answer.body.toString('utf8'), manifest.Spec.Fields ?? []);
}

type FieldName = 'Ignore' | 'Bucket' | 'Key' | 'VersionId';

/** @throws JobFailure for a row that is no row, naming its line; for rows of two buckets; for no row at all. */
export function tasksOf(text: string, fields: readonly FieldName[]): readonly Task[] {
  const rows = parseCsv(text);
  if (rows === undefined) throw new JobFailure('ManifestNotParsable', 'The manifest is not a well-formed CSV.');
  const tasks = rows.map((row, at) => taskOf(row, fields, at + 1));
  const [first] = tasks;
  if (first === undefined) throw new JobFailure('ManifestEmpty', 'The manifest is empty.');
  const other = tasks.findIndex(({ bucket }) => bucket !== first.bucket);
  if (other >= 0)
    throw new JobFailure(
      'ManifestOfTwoBuckets',
      `The manifest names another bucket in row ${other + 1}: ${tasks[other]?.bucket}.`,
    );
  return tasks;
}

function taskOf(row: readonly string[], fields: readonly FieldName[], line: number): Task {
  if (row.length < fields.length) throw malformed(line, `has ${row.length} fields and ${fields.length} were declared`);
  const named = (name: FieldName): string => row[fields.indexOf(name)] ?? '';
  const [bucket, key] = [named('Bucket'), decodeListedKey(named('Key'))];
  if (bucket === '') throw malformed(line, 'has no bucket');
  if (key === undefined) throw malformed(line, 'has a key that is not URL-encoded');
  if (key === '') throw malformed(line, 'has no key');
  return { bucket, key, versionId: fields.includes('VersionId') ? named('VersionId') : undefined };
}

const malformed = (line: number, fault: string): JobFailure =>
  new JobFailure('ManifestNotParsable', `Row ${line} of the manifest ${fault}.`);
