import { readFileSync } from 'node:fs';
import path from 'node:path';
import { cloudTrailOperations } from '../../local-aws/cloudtrail';
import { iamOperations } from '../../local-aws/iam';
import { kmsOperations } from '../../local-aws/kms';
import type { DataKeys } from '../../local-aws/message';
import { createS3 } from '../../local-aws/s3';
import { controlOperations } from '../../local-aws/s3-control';
import { stsOperations } from '../../local-aws/sts';

const readme = readFileSync(path.join(__dirname, '../../local-aws/README.md'), 'utf8');

/** The operations that the README lists in the paragraph of a service. */
function listed(service: string): string[] {
  const paragraph = readme.split('\n\n').find((text) => text.startsWith(`**${service}** (`)) ?? '';
  return paragraph
    .replace(/^[^:]*:|\.$/g, '')
    .split(',')
    .map((name) => name.trim());
}

it('lists exactly the KMS operations that are served', () => {
  expect(listed('KMS')).toEqual(kmsOperations);
});

it('lists exactly the S3 operations that are served', () => {
  const noKeys = {} as DataKeys;
  const s3 = createS3({ clock: { now: Date.now }, dataKeysIn: () => noKeys, regions: ['us-east-1'] });
  expect(listed('S3')).toEqual(s3.operations.toSorted());
});

it('lists exactly the S3 Control operations that are served', () => {
  expect(listed('S3 Control')).toEqual(controlOperations);
});

it('lists exactly the IAM operations that are served', () => {
  expect(listed('IAM')).toEqual(iamOperations);
});

it('lists exactly the STS operations that are served', () => {
  expect(listed('STS')).toEqual(stsOperations);
});

it('lists exactly the CloudTrail operations that are served', () => {
  expect(listed('CloudTrail')).toEqual(cloudTrailOperations);
});
