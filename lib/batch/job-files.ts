import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { awsCodeOf, called } from '../aws/failures';
import { RETRY_POLICY } from '../aws/retry-policy';
import { isCode, KeyturnError } from '../errors';
import { isTransient, type JobRetry, pause, withJobRetry } from './retry';

const BODY = RETRY_POLICY['job file body'];

export interface OpenJobFiles {
  readonly s3: S3Client;
  readonly bucket: string;
  /** Account that must own it, twelve digits; absent: any. */
  readonly owner?: string | undefined;
  /** Region that it must be in. */
  readonly region: string;
  readonly signal?: AbortSignal | undefined;
  readonly retry?: JobRetry | undefined;
}

/** A file whose bytes are asked for again where the connection broke off, and are always those of one ETag. */
export interface FileContent {
  readonly etag: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** The bucket of manifests and reports. Nothing in it is under the rotating keys, and nothing is deleted or overwritten. */
export class JobFiles {
  readonly bucket: string;
  readonly #open: OpenJobFiles;

  constructor(open: OpenJobFiles) {
    this.bucket = open.bucket;
    this.#open = open;
  }

  /** s3:ListBucket. @throws job-bucket-missing, job-bucket-wrong-region */
  async require(): Promise<void> {
    const { bucket, region, s3 } = this.#open;
    const answer = await this.#call('s3:ListBucket', undefined, (options) =>
      s3.send(new HeadBucketCommand(this.#at()), options),
    );
    const found = answer.BucketRegion;
    if (found !== undefined && found !== region) {
      throw new KeyturnError('job-bucket-wrong-region', { bucket, region, found });
    }
  }

  /** s3:ListBucket. Folders right under a prefix, without it and without their slash. */
  async folders(prefix: string): Promise<readonly string[]> {
    const { s3 } = this.#open;
    const found: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const command = (): ListObjectsV2Command =>
        new ListObjectsV2Command({
          ...this.#at(),
          Prefix: prefix,
          Delimiter: '/',
          ContinuationToken,
        });
      const page = await this.#call('s3:ListBucket', undefined, (options) => s3.send(command(), options));
      for (const { Prefix = '' } of page.CommonPrefixes ?? []) found.push(Prefix.slice(prefix.length, -1));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return found;
  }

  /** s3:GetObject. Undefined: there is none. */
  async head(Key: string): Promise<{ readonly etag: string; readonly size: number } | undefined> {
    const { s3 } = this.#open;
    return this.#unlessAbsent(async () => {
      const { ETag = '', ContentLength = 0 } = await this.#call('s3:GetObject', Key, (options) =>
        s3.send(new HeadObjectCommand({ ...this.#at(), Key }), options),
      );
      return { etag: bare(ETag), size: ContentLength };
    });
  }

  /** s3:GetObject. Undefined: there is none. For small files. */
  async text(key: string): Promise<string | undefined> {
    return this.#unlessAbsent(async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of (await this.content(key)).chunks) chunks.push(chunk);
      return Buffer.concat(chunks).toString('utf8');
    });
  }

  /**
   * s3:PutObject. Never overwrites: what is there stays.
   *
   * @returns false where there was one already
   */
  async create(Key: string, body: Buffer, metadata: Readonly<Record<string, string>> = {}): Promise<boolean> {
    const { s3 } = this.#open;
    const command = () =>
      new PutObjectCommand({
        ...this.#at(),
        Key,
        Body: body,
        ContentMD5: createHash('md5').update(body).digest('base64'),
        ContentType: Key.endsWith('.json') ? 'application/json' : 'text/csv',
        IfNoneMatch: '*',
        ServerSideEncryption: 'AES256',
        Metadata: { ...metadata },
      });
    try {
      await this.#call('s3:PutObject', Key, (options) => s3.send(command(), options));
      return true;
    } catch (error) {
      if (isTaken(error)) return false;
      throw error;
    }
  }

  /** s3:GetObject. Bytes as they come, from where a broken connection left off. @throws aws-failed for a file that is not there */
  async content(key: string, ifMatch?: string): Promise<FileContent> {
    const first = await this.#get(key, 0, ifMatch);
    return { etag: first.etag, chunks: this.#chunks(key, first) };
  }

  async *#chunks(key: string, first: OpenContent): AsyncGenerator<Uint8Array, void, undefined> {
    const { retry = {}, signal } = this.#open;
    const { attempts = BODY.attempts, baseMs = BODY.baseMs } = retry;
    let open = first;
    let offset = 0;
    for (let attempt = 1; ; attempt += 1) {
      try {
        for await (const chunk of open.body) {
          yield chunk;
          offset += chunk.length;
          attempt = 1;
        }
        return;
      } catch (error) {
        const failure = await called('s3:GetObject', this.#arn(key), () => Promise.reject(error)).catch(
          (mapped: unknown) => mapped,
        );
        if (attempt >= attempts || !isBroken(error, failure)) throw failure;
        await pause(baseMs * attempt, signal);
      }
      if (offset >= first.size) return;
      open = await this.#get(key, offset, first.etag);
    }
  }

  async #get(Key: string, offset: number, ifMatch: string | undefined): Promise<OpenContent> {
    const { s3 } = this.#open;
    const Range = offset === 0 ? undefined : `bytes=${offset}-`;
    const IfMatch = ifMatch === undefined ? undefined : `"${ifMatch}"`;
    const {
      Body,
      ETag = '',
      ContentLength = 0,
    } = await this.#call('s3:GetObject', Key, (options) =>
      s3.send(new GetObjectCommand({ ...this.#at(), Key, Range, IfMatch }), options),
    );
    return { etag: bare(ETag), size: ContentLength, body: Body as AsyncIterable<Uint8Array> };
  }

  async #call<T>(
    action: string,
    key: string | undefined,
    send: (options: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { signal, retry = {} } = this.#open;
    try {
      return await withJobRetry(
        () => called(action, this.#arn(key), () => send(signal ? { abortSignal: signal } : {})),
        retry,
        signal,
      );
    } catch (error) {
      throw this.#ofBucket(error, key);
    }
  }

  #ofBucket(error: unknown, key: string | undefined): unknown {
    const { bucket, region } = this.#open;
    if (isCode(error, 'aws-wrong-region')) {
      const found = error.facts.expected ?? 'another Region';
      return new KeyturnError('job-bucket-wrong-region', { bucket, region, found }, error);
    }
    const code = awsCodeOf(error);
    const isMissing = code === 'NoSuchBucket' || (key === undefined && isAbsent(error));
    return isMissing ? new KeyturnError('job-bucket-missing', { bucket, region }, error) : error;
  }

  async #unlessAbsent<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** A bucket of that name in another account is never read or written. */
  #at(): { readonly Bucket: string; readonly ExpectedBucketOwner: string | undefined } {
    return { Bucket: this.#open.bucket, ExpectedBucketOwner: this.#open.owner };
  }

  #arn(key: string | undefined): string {
    return `arn:aws:s3:::${this.bucket}${key === undefined ? '' : `/${key}`}`;
  }
}

interface OpenContent {
  readonly etag: string;
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** True where AWS says that there is no such file. */
export function isAbsent(error: unknown): boolean {
  return ['NoSuchKey', 'NotFound', 'HTTP 404'].includes(awsCodeOf(error) ?? '');
}

/** True where a file of that name is there already, or is being written by another run. */
export function isTaken(error: unknown): boolean {
  return ['PreconditionFailed', 'ConditionalRequestConflict', 'HTTP 412', 'HTTP 409'].includes(awsCodeOf(error) ?? '');
}

/** The stream itself reports a body that ended early, in no form of AWS's. */
function isBroken(error: unknown, failure: unknown): boolean {
  return isTransient(failure) || BODY.messages.test(error instanceof Error ? error.message : '');
}

export function bare(etag: string): string {
  return etag.replaceAll('"', '');
}
