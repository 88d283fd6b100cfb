import { KnownKeys } from '../../../lib/review/known-keys';
import { parseRotation } from '../../../lib/rotation/rotation-file';

const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555';

const rotationOf = (strategy: string) =>
  parseRotation(
    `name: photos
region: eu-central-1
strategy: ${strategy}
alias: alias/photos
keyVersions: [{ name: v1 }, { name: v2 }]
activeVersion: v2
buckets: [{ name: photos-bucket, manage: bucket }]
`,
    '/rotation.yaml',
    { now: new Date() },
  );

it('calls the one key of a rotation in place by its first version, which every version is seen on', async () => {
  const seen = ['v1', 'v2'].map((version) => ({ version, arn: ARN, state: 'Enabled' }));
  const keys = new KnownKeys(await rotationOf('in-place'), [], seen);
  expect(keys.find(ARN)?.version).toBe('v1');
  expect(keys.behind('v2')).toBeUndefined();
});

it('calls each key by its own version where a version is a key', async () => {
  const other = ARN.replace('1111-', '9999-');
  const seen = [
    { version: 'v1', arn: ARN, state: 'Enabled' },
    { version: 'v2', arn: other, state: 'PendingImport' },
  ];
  const keys = new KnownKeys(await rotationOf('new-key'), [], seen);
  expect([keys.find(ARN)?.version, keys.find(other)?.version]).toEqual(['v1', 'v2']);
});
