import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type OpenedStore, openStore } from '../../../lib/s3/open-store';
import { createSdkStore } from '../../../lib/s3/sdk-store';
import type { ObjectStore } from '../../../lib/s3/store';
import type { LocalAws } from '../../../local-aws';
import { startTestAws } from '../../support/embedded-aws';

const STRANGER = '999999999999';
const TARGET = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';
const ref = { bucket: 'ours-once', key: 'a', versionId: undefined };
const inPlace = {
  etag: '"e"',
  encryption: { keyArn: TARGET, bucketKey: true, dualLayer: false },
  storageClass: 'STANDARD',
  websiteRedirect: undefined,
  grants: undefined,
  checksum: undefined,
};
const content = { metadata: {}, hiddenMetadata: 0, checksum: undefined };

/** Every call about data, by the name under which a fault reports it. */
const CALLS: Readonly<Record<string, (store: ObjectStore) => Promise<unknown>>> = {
  GetBucketVersioning: (store) => store.versioning(ref.bucket),
  ListObjectVersions: (store) => store.listVersions({ bucket: ref.bucket }),
  'ListObjectVersions of the witness': (store) => store.witness.listVersions({ bucket: ref.bucket }),
  ListMultipartUploads: (store) => store.listUploads({ bucket: ref.bucket }),
  HeadObject: (store) => store.head(ref),
  'HeadObject of the witness': (store) => store.witness.head(ref),
  GetObject: (store) => store.probe(ref, 1),
  'GetObject, whole': (store) => store.readAll(ref),
  GetObjectAcl: (store) => store.grants(ref),
  GetObjectTagging: (store) => store.tags(ref),
  ListObjectAnnotations: (store) => store.annotated(ref),
  GetObjectLegalHold: (store) => store.legalHold(ref),
  GetObjectRetention: (store) => store.retention(ref),
  UpdateObjectEncryption: (store) => store.updateEncryption(ref, { keyArn: TARGET, bucketKey: true }),
  CopyObject: (store) => store.copy(ref, inPlace as never),
  DeleteObject: (store) => store.discardProbe(ref),
  CreateMultipartUpload: (store) => store.beginMultipart(ref, { ...inPlace, content, tags: {} } as never),
  UploadPartCopy: (store) =>
    store.copyPart(ref, { uploadId: 'u', partNumber: 1, first: 0, last: 1, etag: '"e"' } as never),
  CompleteMultipartUpload: (store) =>
    store.completeMultipart(ref, { uploadId: 'u', etag: '"e"', parts: [], checksumType: undefined } as never),
  AbortMultipartUpload: (store) => store.abortMultipart(ref.bucket, ref.key, 'u'),
};

let aws: LocalAws;
let s3: S3Client;

beforeAll(async () => {
  aws = await startTestAws();
  const { url: endpoint, region, accessKey: credentials } = aws;
  s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const CreateBucketConfiguration = { LocationConstraint: region as 'eu-west-1' };
  await s3.send(new CreateBucketCommand({ Bucket: ref.bucket, CreateBucketConfiguration }));
  await s3.send(new PutObjectCommand({ Bucket: ref.bucket, Key: ref.key, Body: 'x' }));
});

afterAll(async () => {
  s3.destroy();
  await aws.close();
});

describe.each([
  ['the direct client', (): OpenedStore => openStore(s3, STRANGER)],
  ['the SDK', (): OpenedStore => ({ store: createSdkStore(s3, STRANGER), close: async () => undefined })],
] as const)('a bucket of another account, by %s', (_how, open) => {
  it.each(Object.keys(CALLS))('is refused to %s', async (name) => {
    const opened = open();
    try {
      const refused = CALLS[name]?.(opened.store).catch((error: unknown) => error);
      const told = expect.stringContaining(`does not belong to account ${STRANGER}`);
      const withBody = name.startsWith('HeadObject') ? {} : { message: told };
      expect(await refused).toMatchObject({ status: 403, operation: name.split(/ of|,/)[0], ...withBody });
    } finally {
      await opened.close();
    }
  });
});
