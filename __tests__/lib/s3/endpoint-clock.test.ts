import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { openStore } from '../../../lib/s3/open-store';

import { startTestAws } from '../../support/embedded-aws';

/** What decides which uploads are old enough to hold the gate, or to be aborted, is S3's clock and not this machine's. */
it("knows the endpoint's time before the direct client has had an answer, when this machine's clock is wrong", async () => {
  const endpoint = await startTestAws();
  const { url, region, accessKey: credentials } = endpoint;
  const s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
  const opened = openStore(s3);
  try {
    const { store } = opened;
    const CreateBucketConfiguration = { LocationConstraint: region as 'eu-west-1' };
    await s3.send(new CreateBucketCommand({ Bucket: 'clock-of-s3', CreateBucketConfiguration }));
    s3.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        (result.response as { headers: Record<string, string> }).headers.date = 'Tue, 24 Nov 2020 00:00:00 GMT';
        return result;
      },
      { step: 'deserialize', priority: 'high', name: 'otherClock' },
    );
    await store.versioning('clock-of-s3');
    expect(new Date(store.now()).getUTCFullYear()).toBe(2020);
  } finally {
    await opened.close();
    s3.destroy();
    await endpoint.close();
  }
});
