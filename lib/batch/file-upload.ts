import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { awsCodeOf, called } from '../aws/failures';
import { KeyturnError } from '../errors';
import { bare, isTaken } from './job-files';
import { type JobRetry, withJobRetry } from './retry';

export interface FileUpload {
  readonly s3: S3Client;
  readonly bucket: string;
  /** Account that must own the bucket, twelve digits; absent: any. */
  readonly owner?: string | undefined;
  readonly key: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly retry?: JobRetry | undefined;
  /** Bytes of a part by its number from 1. Default {@link partSize}. */
  readonly partSize?: ((number: number) => number) | undefined;
}

const MIB = 1024 * 1024;
const MAX_PARTS = 10_000;

/** Parts grow, so that 10,000 of them hold 1.7 TB while a small file needs little memory: one part is held at a time. */
export function partSize(number: number): number {
  return (number <= 1000 ? 8 : number <= 4000 ? 64 : 256) * MIB;
}

/**
 * Writes a stream of text as one object, under SSE-S3 and only where there is none of that name: s3:PutObject,
 * s3:AbortMultipartUpload. When it fails, the upload is aborted.
 *
 * @returns the ETag that S3 answered when the upload was completed, without quotes: only that one is of these bytes.
 *   Undefined where there is an object of that name already, or where whether this one got there is not known
 */
export async function uploadFile(upload: FileUpload, rows: AsyncIterable<string>): Promise<string | undefined> {
  const { s3, metadata } = upload;
  const at = placeOf(upload);
  const encrypted = { ServerSideEncryption: 'AES256', ContentType: 'text/csv', Metadata: { ...metadata } } as const;
  const begin = () => new CreateMultipartUploadCommand({ ...at, ...encrypted });
  const { UploadId = '' } = await send(upload, 's3:PutObject', (options) => s3.send(begin(), options));
  try {
    const Parts = await uploadParts(upload, UploadId, rows);
    const end = () =>
      new CompleteMultipartUploadCommand({
        ...at,
        UploadId,
        IfNoneMatch: '*',
        MultipartUpload: { Parts },
      });
    const { ETag } = await send(upload, 's3:PutObject', (options) => s3.send(end(), options));
    return ETag === undefined ? undefined : bare(ETag);
  } catch (error) {
    await abort(upload, UploadId);
    // An upload that is gone when it is completed again was completed by the attempt whose answer was lost.
    if (isTaken(error) || awsCodeOf(error) === 'NoSuchUpload') return undefined;
    throw error;
  }
}

async function uploadParts(upload: FileUpload, uploadId: string, rows: AsyncIterable<string>) {
  const size = upload.partSize ?? partSize;
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  let held: string[] = [];
  let heldBytes = 0;
  const flush = async () => {
    if (parts.length === MAX_PARTS) throw new RangeError(`${upload.key} does not fit into ${MAX_PARTS} parts`);
    parts.push(await uploadPart(upload, uploadId, parts.length + 1, Buffer.from(held.join(''))));
    held = [];
    heldBytes = 0;
  };
  for await (const row of rows) {
    held.push(row);
    // Rows are ASCII: what is not is in percent form.
    heldBytes += row.length;
    if (heldBytes >= size(parts.length + 1)) await flush();
  }
  if (heldBytes > 0 || parts.length === 0) await flush();
  return parts;
}

async function uploadPart(upload: FileUpload, UploadId: string, PartNumber: number, body: Buffer) {
  const { s3 } = upload;
  const at = placeOf(upload);
  const ContentMD5 = createHash('md5').update(body).digest('base64');
  const part = () => new UploadPartCommand({ ...at, UploadId, PartNumber, Body: body, ContentMD5 });
  const { ETag } = await send(upload, 's3:PutObject', (options) => s3.send(part(), options));
  return { PartNumber, ETag };
}

/** Best effort, and without the signal: an upload that stays open costs storage until somebody aborts it. */
async function abort(upload: FileUpload, UploadId: string): Promise<void> {
  await upload.s3.send(new AbortMultipartUploadCommand({ ...placeOf(upload), UploadId })).catch(() => undefined);
}

function placeOf({ bucket: Bucket, owner: ExpectedBucketOwner, key: Key }: FileUpload) {
  return { Bucket, ExpectedBucketOwner, Key };
}

async function send<T>(
  { bucket, key, signal, retry = {} }: FileUpload,
  action: string,
  request: (options: { abortSignal?: AbortSignal }) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw new KeyturnError('interrupted', { during: action });
  const resource = `arn:aws:s3:::${bucket}/${key}`;
  return withJobRetry(
    () => called(action, resource, () => request(signal ? { abortSignal: signal } : {})),
    retry,
    signal,
  );
}
