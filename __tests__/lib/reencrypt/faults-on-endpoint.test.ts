import { S3Client } from '@aws-sdk/client-s3';
import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { openDirectClient } from '../../../lib/s3/direct-client';
import { createDirectStore } from '../../../lib/s3/direct-store';
import { createSdkStore } from '../../../lib/s3/sdk-store';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import type { FaultAction } from '../../../local-aws';
import { ORDERS, type Order, reencryptIn } from '../../support/orders';
import { type TestEndpoint, testEndpoint } from './endpoint';

const KMS_SLOW = 'Please reduce your request rate for operations involving AWS KMS.';
const answer = (status: number, code: string, message = code): FaultAction => ({
  kind: 'answer',
  status,
  code,
  message,
});

const PASSING: readonly (readonly [string, FaultAction])[] = [
  ["S3's SlowDown", answer(503, 'SlowDown', 'Please reduce your request rate.')],
  ["KMS's SlowDown", answer(503, 'SlowDown', KMS_SLOW)],
  ['KMS throttling as a 400', answer(400, 'KMS.ThrottlingException', 'Rate exceeded')],
  ['InternalError', answer(500, 'InternalError')],
  ['a connection reset before the request took effect', { kind: 'reset-before' }],
  ['a connection reset after it', { kind: 'reset-after' }],
  ['a slow answer', { kind: 'delay', milliseconds: 60 }],
  ['a truncated answer', { kind: 'truncate', bytes: 40 }],
];

/** Each kind of fault strikes each order: the paths take turns. */
const orderOf = (path: 'wire' | 'sdk', what: string): Order =>
  ORDERS[(PASSING.findIndex(([name]) => name === what) + (path === 'wire' ? 1 : 0)) % ORDERS.length] ?? 'after';

describe.each(['wire', 'sdk'] as const)('faults of the endpoint, over the %s path', (path) => {
  let endpoint: TestEndpoint;
  let buckets = 0;
  beforeAll(async () => {
    endpoint = await testEndpoint();
  });
  afterAll(() => endpoint.close());
  afterEach(() => endpoint.aws.faults.clear());

  /** More objects than a fault strikes. */
  const filled = async () => {
    buckets += 1;
    const bucket = await endpoint.bucket(`faults-${buckets}`);
    endpoint.aws.clock.offset -= 86_400_000;
    for (let at = 0; at < 6; at += 1) await endpoint.put(bucket, `k${at}`);
    endpoint.aws.clock.offset += 86_400_000;
    return bucket;
  };

  const requests = [
    ['rewrap', 'UpdateObjectEncryption'],
    ['rewrap', 'ListObjectVersions'],
    ['rewrite', 'CopyObject'],
    ['rewrap', 'HeadObject'],
    ['rewrite', 'GetObjectAcl'],
  ] as const;
  // The SDK's is the path of the few calls, for which one request of each shape is enough.
  describe.each(path === 'wire' ? requests : requests.slice(0, 3))('%s at %s', (method, operation) => {
    it.each(PASSING)('completes in spite of %s', async (what, then) => {
      const bucket = await filled();
      endpoint.aws.faults.inject({ match: { service: 's3', operation, times: 3 }, then });
      const request = endpoint.request(bucket, { method });
      const { result, verify } = await reencryptIn(orderOf(path, what), endpoint.store(path), request);
      expect(result).toMatchObject({ complete: true, failedTotal: 0 });
      const found = await verify({ read: 'all' });
      expect(found).toMatchObject({ objectVersions: 6, leftTotal: 0, unknownTotal: 0 });
    });
  });

  it.each([answer(503, 'SlowDown'), answer(500, 'InternalError'), { kind: 'reset-before' } as const])(
    'never calls a bucket done where one object will not move (%j)',
    async (then) => {
      const bucket = await filled();
      endpoint.aws.faults.inject({ match: { operation: 'UpdateObjectEncryption', key: 'k3' }, then });
      const retry = { baseMs: 0, capMs: 1, transientAttempts: 3, throttledAttempts: 3 };
      const result = await reencryptBucket(endpoint.store(path), endpoint.request(bucket, { retry }));
      expect(result).toMatchObject({ complete: false, moved: 5, failedTotal: 1 });
      expect(result.failed[0]).toMatchObject({ key: 'k3', operation: 'UpdateObjectEncryption' });
      endpoint.aws.faults.clear();
      const found = await verifyBucket(endpoint.store(path), { bucket, activeKeyArn: endpoint.newKey });
      expect(found).toMatchObject({ leftTotal: 1, left: [{ key: 'k3' }] });
    },
  );

  it.each([
    ['HeadObject', answer(403, 'AccessDenied')],
    ['HeadObject', answer(500, 'InternalError')],
    ['HeadObject', { kind: 'reset-before' } as const],
  ])(
    'a verification that cannot inspect an object because of %s (%j) counts it as unknown',
    async (operation, then) => {
      const bucket = await filled();
      await reencryptBucket(endpoint.store(path), endpoint.request(bucket));
      endpoint.aws.faults.inject({ match: { operation, key: 'k5' }, then });
      const retry = { baseMs: 0, capMs: 1, transientAttempts: 2, throttledAttempts: 2 };
      const found = await verifyBucket(endpoint.store(path), { bucket, activeKeyArn: endpoint.newKey, read: 0, retry });
      expect(found).toMatchObject({ unknownTotal: 1, unknown: [{ key: 'k5' }] });
    },
  );

  it.each([answer(500, 'InternalError'), { kind: 'truncate', bytes: 200 } as const, { kind: 'reset-before' } as const])(
    'a verification whose listing fails (%j) is none',
    async (then) => {
      const bucket = await filled();
      endpoint.aws.faults.inject({ match: { operation: 'ListObjectVersions' }, then });
      const retry = { baseMs: 0, capMs: 1, transientAttempts: 2 };
      const run = verifyBucket(endpoint.store(path), { bucket, activeKeyArn: endpoint.newKey, retry });
      await expect(run).rejects.toMatchObject({ code: 'verification-stopped', exitCode: 3 });
    },
  );
});

describe('credentials that expire during a run', () => {
  let endpoint: TestEndpoint;
  beforeAll(async () => {
    endpoint = await testEndpoint();
  });
  afterAll(() => endpoint.close());

  const storeWith = (
    provider: () => Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken: string }>,
  ) => {
    const { region, url } = endpoint.aws;
    const s3 = new S3Client({ region, endpoint: url, forcePathStyle: true, credentials: provider, maxAttempts: 1 });
    return createDirectStore(openDirectClient(s3), createSdkStore(s3));
  };

  it.each([true, false])(
    'the run completes or ends partly done, depending on whether new ones exist (%s)',
    async (renewable) => {
      const bucket = await endpoint.bucket(`credentials-${renewable}`);
      for (let at = 0; at < 12; at += 1) await endpoint.put(bucket, `k${at}`);
      const first = endpoint.aws.credentials.addTemporary({ lifetime: 3_600_000 });
      let isOver = false;
      const store = storeWith(async () =>
        isOver && renewable ? endpoint.aws.credentials.addTemporary({ lifetime: 1e9 }) : first,
      );
      let moved = 0;
      const unhook = endpoint.aws.requests.hook({
        after: ({ operation }) => {
          if (operation !== 'UpdateObjectEncryption') return undefined;
          moved += 1;
          if (moved === 5) {
            isOver = true;
            endpoint.aws.clock.advance(3_700_000);
          }
          return undefined;
        },
      });
      const result = await reencryptBucket(store, endpoint.request(bucket, { concurrency: 2 }));
      unhook();
      if (renewable) expect(result).toMatchObject({ complete: true, moved: 12 });
      else expect(result).toMatchObject({ complete: false, stopped: { because: 'credentials' } });
    },
  );
});
