import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { AdaptiveLimiter } from '../../../lib/s3/adaptive-limiter';
import { abortUploads } from '../../../lib/s3/open-uploads';
import { withPacingAndRetry } from '../../../lib/s3/pacing-and-retry';
import { waitForUploads } from '../../../lib/s3/wait-for-uploads';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import { type TestEndpoint, testEndpoint } from '../reencrypt/endpoint';

const call = withPacingAndRetry(new AdaptiveLimiter(), {}, undefined);

describe('multipart uploads that were started before the switch', () => {
  let endpoint: TestEndpoint;
  let buckets = 0;
  beforeEach(async () => {
    endpoint = await testEndpoint();
  });
  afterEach(() => endpoint.close());

  /** A bucket with an upload of the day before and one that is newer than the time given back. */
  const opened = async () => {
    buckets += 1;
    const bucket = await endpoint.bucket(`uploads-${buckets}`);
    await endpoint.s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'old one+é' }));
    endpoint.aws.clock.advance(86_400_000);
    const before = endpoint.aws.clock.now() - 3_600_000;
    await endpoint.s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'new' }));
    return { bucket, before };
  };
  const keysOf = async (Bucket: string) => {
    const { Uploads = [] } = await endpoint.s3.send(new ListMultipartUploadsCommand({ Bucket }));
    return Uploads.map((one) => one.Key);
  };

  it('are aborted on request, and newer ones are not', async () => {
    const { bucket, before } = await opened();
    const would = await abortUploads(endpoint.store(), call, { bucket, before, dryRun: true });
    expect(would.map((one) => one.key)).toEqual(['old one+é']);
    expect(await keysOf(bucket)).toHaveLength(2);
    await abortUploads(endpoint.store(), call, { bucket, before, dryRun: false });
    expect(await keysOf(bucket)).toEqual(['new']);
  });

  it('are waited for, and those still open at the end are named', async () => {
    const { bucket, before } = await opened();
    const waiting = { bucket, before, pollMs: 1 };
    const open = await waitForUploads(endpoint.store(), { ...waiting, timeoutMs: 5 });
    expect(open.map((one) => one.key)).toEqual(['old one+é']);
    const lines: string[] = [];
    const onProgress = (line: string) => {
      lines.push(line);
      void abortUploads(endpoint.store(), call, { bucket, before, dryRun: false });
    };
    expect(await waitForUploads(endpoint.store(), { ...waiting, timeoutMs: 20_000, onProgress })).toEqual([]);
    expect(lines[0]).toContain('1 open upload(s)');
  });

  it('are named by the verification', async () => {
    const { bucket } = await opened();
    const found = await verifyBucket(endpoint.store(), { bucket, activeKeyArn: endpoint.newKey });
    expect(found.openUploads.map((one) => one.key)).toEqual(['new', 'old one+é']);
    expect(found.openUploadsTotal).toBe(2);
  });

  it('fails when they may not be aborted, and names the action', async () => {
    const { bucket, before } = await opened();
    endpoint.aws.credentials.limit(endpoint.aws.accessKey.accessKeyId, ['s3:ListBucketMultipartUploads']);
    const run = abortUploads(endpoint.store(), call, { bucket, before, dryRun: false });
    await expect(run).rejects.toMatchObject({
      code: 'aws-access-denied',
      facts: { action: 's3:AbortMultipartUpload' },
    });
  });
});
