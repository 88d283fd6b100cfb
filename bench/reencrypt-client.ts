import { S3Client } from '@aws-sdk/client-s3';

import { openStore } from '../lib/objects/open-store';
import { reencryptBucket } from '../lib/objects/reencrypt';
import { createSdkStore } from '../lib/objects/sdk-store';

/** One contestant in a process of its own: re-encrypts the stub's bucket and prints what it cost, as JSON. */

const NEW = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';

async function main(endpoint: string, path: string, mode: string): Promise<void> {
  const credentials = { accessKeyId: 'A', secretAccessKey: 'B' };
  const s3 = new S3Client({ region: 'ap-northeast-1', endpoint, forcePathStyle: true, credentials, maxAttempts: 1 });
  const { store, close } = path === 'sdk' ? { store: createSdkStore(s3), close: async () => undefined } : openStore(s3);
  const before = process.cpuUsage();
  const begun = performance.now();
  const result = await reencryptBucket(store, {
    bucket: 'b',
    targetKeyArn: NEW,
    bucketKeyDefault: true,
    method: 'rewrap',
    dryRun: false,
    maxPasses: 1,
    optimistic: mode === 'optimistic',
  });
  const seconds = (performance.now() - begun) / 1000;
  const cpu = process.cpuUsage(before);
  process.stdout.write(
    `${JSON.stringify({
      versions: result.moved,
      requests: result.requests,
      seconds,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      // Kilobytes on every platform that Node runs on.
      peakRss: process.resourceUsage().maxRSS * 1024,
    })}\n`,
  );
  await close();
  s3.destroy();
}

void main(process.argv[2] ?? '', process.argv[3] ?? 'wire', process.argv[4] ?? '');
