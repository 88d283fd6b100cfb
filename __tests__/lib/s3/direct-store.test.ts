import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';

import { type DirectClient, openDirectClient } from '../../../lib/s3/direct-client';
import { resolveOrigin } from '../../../lib/s3/direct-origin';
import { createDirectStore } from '../../../lib/s3/direct-store';
import type { VersionRef } from '../../../lib/s3/object-version';
import { createSdkStore } from '../../../lib/s3/sdk-store';
import type { ObjectStore } from '../../../lib/s3/store';

/** A request as it came over the wire. */
interface Seen {
  readonly line: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Headers by which the SDK describes itself, which the direct client does not send. */
const TELEMETRY = new Set([
  'user-agent',
  'x-amz-user-agent',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'authorization',
  'x-amz-date',
  'connection',
]);

const REFS: readonly VersionRef[] = [
  { bucket: 'bucket', key: 'plain', versionId: undefined },
  { bucket: 'bucket', key: 'a b+c%/d', versionId: 'a+/=&' },
  { bucket: 'bucket', key: '/lead//../x', versionId: 'null' },
  { bucket: 'bucket', key: "ü日😀!'()*~-_.?#&=;:@$,[]", versionId: 'v' },
  { bucket: 'bucket', key: 'tab\tnewline\nbell\u0007', versionId: undefined },
  { bucket: 'bucket', key: 'k'.repeat(1024), versionId: 'v' },
];
const TARGET = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';
const COPY = {
  etag: '"e-1"',
  encryption: { keyArn: TARGET, bucketKey: true, dualLayer: false },
  storageClass: 'STANDARD_IA',
  websiteRedirect: '/elsewhere',
  grants: {
    fullControl: 'id="o"',
    read: 'uri="http://acs.amazonaws.com/groups/global/AllUsers"',
    readAcp: undefined,
    writeAcp: undefined,
  },
  checksum: 'SHA256',
} as const;
const LISTING =
  '<?xml version="1.0"?><ListVersionsResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListVersionsResult>';

const CALLS: readonly (readonly [string, (store: ObjectStore, ref: VersionRef) => Promise<unknown>])[] = [
  ['HeadObject', (store, ref) => store.head(ref)],
  ['HeadObject with checksums', (store, ref) => store.head(ref, { checksums: true })],
  ['GetObject of one byte', (store, ref) => store.probe(ref, 1)],
  ['GetObjectAcl', (store, ref) => store.grants(ref)],
  ['UpdateObjectEncryption', (store, ref) => store.updateEncryption(ref, { keyArn: TARGET, bucketKey: false })],
  ['CopyObject', (store, ref) => store.copy(ref, COPY)],
  [
    'CopyObject with both layers',
    (store, ref) => store.copy(ref, { ...COPY, encryption: { ...COPY.encryption, dualLayer: true } }),
  ],
  [
    'ListObjectVersions',
    (store, ref) =>
      store.listVersions({ bucket: ref.bucket, after: { key: ref.key, versionId: ref.versionId }, limit: 7 }),
  ],
];

describe('the requests of the direct S3 client', () => {
  const seen: Seen[] = [];
  let server: Server;
  let s3: S3Client;
  let wire: DirectClient;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        seen.push(seenOf(request, Buffer.concat(chunks)));
        const copied = '<CopyObjectResult><ETag>&quot;n&quot;</ETag></CopyObjectResult>';
        response.end(
          request.url?.includes('versions') ? LISTING : request.url?.includes('CopyObject') ? copied : '<x/>',
        );
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: 'A', secretAccessKey: 'B', sessionToken: 'T+/=' };
    s3 = new S3Client({ region: 'ap-northeast-1', endpoint, forcePathStyle: true, credentials, maxAttempts: 1 });
    wire = openDirectClient(s3);
  });
  afterAll(async () => {
    await wire.close();
    s3.destroy();
    await new Promise((done) => server.close(done));
  });

  describe.each(CALLS)('%s', (_name, call) => {
    it.each(REFS)("is the SDK's request byte for byte for $key $versionId", async (ref) => {
      const rest = createSdkStore(s3, '123456789012');
      seen.length = 0;
      await call(rest, ref).catch(() => undefined);
      await call(createDirectStore(wire, rest, '123456789012'), ref);
      expect(seen).toHaveLength(2);
      expect(seen[1]).toEqual(seen[0]);
    });
  });

  it.each([
    [{}, 'https://bucket.s3.ap-northeast-1.amazonaws.com', ''],
    [{ forcePathStyle: true }, 'https://s3.ap-northeast-1.amazonaws.com', '/bucket'],
    [{ useFipsEndpoint: true, region: 'us-gov-west-1' }, 'https://bucket.s3-fips.us-gov-west-1.amazonaws.com', ''],
    [{ useDualstackEndpoint: true }, 'https://bucket.s3.dualstack.ap-northeast-1.amazonaws.com', ''],
    [{ endpoint: 'http://127.0.0.1:9000' }, 'http://127.0.0.1:9000', '/bucket'],
    [{ endpoint: 'https://s3.example.test:8443' }, 'https://bucket.s3.example.test:8443', ''],
  ])('goes where the SDK would go with %j', async (settings, origin, basePath) => {
    const client = new S3Client({
      region: 'ap-northeast-1',
      credentials: { accessKeyId: 'A', secretAccessKey: 'B' },
      ...settings,
    });
    expect(await resolveOrigin(client, 'bucket')).toMatchObject({ origin, basePath, host: new URL(origin).host });
  });
});

function seenOf(request: IncomingMessage, body: Buffer): Seen {
  const [path, query = ''] = (request.url ?? '').split('?');
  // The order of the query is nobody's business: what is signed is sorted by both.
  const sorted = query
    .split('&')
    .filter((one) => one !== '')
    .map((one) => (one.includes('=') ? one : `${one}=`))
    .sort();
  const headers = Object.entries(request.headers).filter(([name]) => !TELEMETRY.has(name)) as [string, string][];
  return {
    line: `${request.method} ${path}?${sorted.join('&')}`,
    headers: Object.fromEntries(headers.sort()),
    body: body.toString(),
  };
}
