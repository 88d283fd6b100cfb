import { reencryptBucket } from '../../../lib/reencrypt/reencrypt-bucket';
import { MemoryBucket, memoryStore, NEW_KEY, OLD_KEY, SOURCES, underKey } from '../s3/memory-store';

it('fails when the endpoint treats the rewrap as an upload, before any object is touched', async () => {
  const bucket = new MemoryBucket();
  bucket.put('precious', { body: 'content' });
  const store = memoryStore(bucket);
  const naive: typeof store = {
    ...store,
    updateEncryption: async ({ key }) => {
      bucket.put(key, { body: '<ObjectEncryption/>' });
    },
  };
  const request = {
    bucket: 'b',
    targetKeyArn: NEW_KEY,
    sources: SOURCES,
    bucketKeyDefault: true,
    method: 'rewrap',
    dryRun: false,
  } as const;
  const run = reencryptBucket(naive, request);
  await expect(run).rejects.toMatchObject({ code: 'rewrap-unsupported', hint: expect.stringContaining('rewrite') });
  expect(bucket.versions.map((one) => one.key)).toEqual(['precious']);
  expect(bucket.current('precious')).toMatchObject({ body: 'content', head: { encryption: underKey(OLD_KEY) } });
});
