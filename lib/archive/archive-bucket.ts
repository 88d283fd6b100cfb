import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { called } from '../aws/failures';

/** One version of an object in the archive, or a marker that hides the versions before it. */
export interface ArchivedVersion {
  readonly key: string;
  readonly versionId: string;
  /** Bytes; 0 of a marker. */
  readonly size: number;
  readonly lastModified: Date;
  readonly marker: boolean;
}

/** How S3 keeps one version. */
export interface Kept {
  /** SHA-256 that S3 itself checked when it was put, lower-case hex; undefined where it was put without one. */
  readonly sha256: string | undefined;
  /** Absent where nothing keeps it, or where `s3:GetObjectRetention` is denied: S3 then leaves it out. */
  readonly retention: { readonly mode: string; readonly until: Date } | undefined;
}

/** A bucket with object lock that files are added to, and never taken from. */
export interface ArchiveBucket {
  /** Size in bytes of the newest version under each key that begins so. */
  sizes(prefix: string): Promise<ReadonlyMap<string, number>>;
  versions(prefix: string): Promise<readonly ArchivedVersion[]>;
  /**
   * Puts a new object, under SSE-S3, whole or not at all: S3 holds the bytes against the SHA-256 that comes with them.
   *
   * @returns `there` where an object of that key is in the bucket already: it is left as it is
   */
  put(file: {
    readonly key: string;
    readonly body: Buffer;
    readonly sha256: string;
    readonly type: string;
  }): Promise<'put' | 'there'>;
  kept(key: string, versionId: string): Promise<Kept>;
  fetch(key: string, versionId: string): Promise<Buffer>;
}

/**
 * The calls on an archive, all of them bound to the account that must own it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
export function archiveBucket(s3: S3Client, bucket: string, account: string): ArchiveBucket {
  const at = { Bucket: bucket, ExpectedBucketOwner: account };
  const arn = (key?: string) => `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;
  return {
    async sizes(prefix) {
      const sizes = new Map<string, number>();
      let token: string | undefined;
      do {
        const from: string | undefined = token;
        const page = await called('s3:ListBucket', arn(), () =>
          s3.send(new ListObjectsV2Command({ ...at, Prefix: prefix, ContinuationToken: from })),
        );
        for (const { Key, Size } of page.Contents ?? []) if (Key !== undefined) sizes.set(Key, Size ?? 0);
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return sizes;
    },
    versions: (prefix) => listVersions(s3, at, arn(), prefix),
    async put({ key, body, sha256, type }) {
      const request = new PutObjectCommand({
        ...at,
        Key: key,
        Body: body,
        ContentType: type,
        // Evidence must be readable whatever happens to the keys that it is about.
        ServerSideEncryption: 'AES256',
        ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
        IfNoneMatch: '*',
      });
      return called('s3:PutObject', arn(key), async () => {
        try {
          await s3.send(request);
          return 'put';
        } catch (error) {
          const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
          if (status === 412) return 'there';
          throw error;
        }
      });
    },
    async kept(key, versionId) {
      const head = await called('s3:GetObjectVersion', arn(key), () =>
        s3.send(new HeadObjectCommand({ ...at, Key: key, VersionId: versionId, ChecksumMode: 'ENABLED' })),
      );
      const { ChecksumSHA256: sha256, ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = head;
      return {
        sha256: sha256 === undefined ? undefined : Buffer.from(sha256, 'base64').toString('hex'),
        retention: mode === undefined || until === undefined ? undefined : { mode, until },
      };
    },
    fetch: (key, versionId) =>
      called('s3:GetObjectVersion', arn(key), async () => {
        const { Body } = await s3.send(new GetObjectCommand({ ...at, Key: key, VersionId: versionId }));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      }),
  };
}

/** In the order of S3: by key, the newest first. */
async function listVersions(
  s3: S3Client,
  at: { readonly Bucket: string; readonly ExpectedBucketOwner: string },
  arn: string,
  prefix: string,
): Promise<readonly ArchivedVersion[]> {
  const found: ArchivedVersion[] = [];
  let from: { KeyMarker: string | undefined; VersionIdMarker: string | undefined } | undefined;
  do {
    const markers = from;
    const page = await called('s3:ListBucketVersions', arn, () =>
      s3.send(new ListObjectVersionsCommand({ ...at, Prefix: prefix, ...markers })),
    );
    const entries = [
      ...(page.Versions ?? []).map((one) => ({ ...one, marker: false })),
      ...(page.DeleteMarkers ?? []).map((one) => ({ ...one, Size: 0, marker: true })),
    ];
    for (const { Key, VersionId, Size, LastModified, marker } of entries) {
      if (Key === undefined || LastModified === undefined) continue;
      found.push({ key: Key, versionId: VersionId ?? 'null', size: Size ?? 0, lastModified: LastModified, marker });
    }
    from = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
  } while (from !== undefined);
  return found;
}
