import fc from 'fast-check';

import { describedJob, isOfScope } from '../../../lib/batch/described-job';
import {
  type JobFacts,
  type JobScope,
  jobDescription,
  jobSpec,
  jobToken,
  specSha256,
} from '../../../lib/batch/job-spec';

const KEY = 'arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-00000000000040008000000000000001';
const scope: JobScope = { rotation: 'rot', bucket: 'data', targetKeyArn: KEY, method: 'rewrap' };
const facts: JobFacts = {
  scope,
  place: {
    account: '123456789012',
    roleArn: 'arn:aws-us-gov:iam::123456789012:role/r',
    bucket: 'jobs',
    prefix: 'keyturn/rot/',
    priority: 7,
  },
  attempt: 1,
  part: 'all',
  bucketKey: false,
  startedAt: '2026-11-24T00:00:00.000Z',
  manifest: { kind: 'listed', key: 'keyturn/rot/m.csv', etag: 'abc', withVersionIds: true },
};

describe('the specification of a job', () => {
  test('is the same bytes for the same facts', () => {
    expect(specSha256(jobSpec(facts))).toBe(specSha256(jobSpec({ ...facts })));
  });

  test('always waits for confirmation, reports every task, and sets its bucket key', () => {
    expect(jobSpec(facts)).toMatchObject({
      ConfirmationRequired: true,
      Report: {
        Enabled: true,
        ReportScope: 'AllTasks',
        Bucket: 'arn:aws-us-gov:s3:::jobs',
        Prefix: 'keyturn/rot/reports',
      },
      Operation: {
        S3UpdateObjectEncryption: { ObjectEncryption: { SSEKMS: { KMSKeyArn: KEY, BucketKeyEnabled: false } } },
      },
      Manifest: { Spec: { Fields: ['Bucket', 'Key', 'VersionId'] }, Location: { ETag: 'abc' } },
    });
    expect(jobSpec(facts)).not.toHaveProperty('ManifestGenerator');
  });

  test('names one encryption in the filter of a manifest that S3 generates', () => {
    const { ManifestGenerator, Manifest } = jobSpec({ ...facts, manifest: { kind: 'generated', under: 'sse-s3' } });
    expect(Manifest).toBeUndefined();
    expect(ManifestGenerator?.S3JobManifestGenerator).toMatchObject({
      SourceBucket: 'arn:aws-us-gov:s3:::data',
      Filter: { MatchAnyObjectEncryption: [{ SSES3: {} }] },
    });
  });

  test('copies onto the bucket itself, metadata kept', () => {
    expect(jobSpec({ ...facts, scope: { ...scope, method: 'rewrite' } }).Operation).toMatchObject({
      S3PutObjectCopy: { TargetResource: 'arn:aws-us-gov:s3:::data', MetadataDirective: 'COPY', SSEAwsKmsKeyId: KEY },
    });
  });

  test('stays within the lengths that S3 accepts, with the longest names', () => {
    const longest = { ...scope, rotation: 'r'.repeat(63), bucket: 'b'.repeat(63), method: 'rewrite' as const };
    const spec = jobSpec({
      ...facts,
      scope: longest,
      attempt: 999_999,
      part: 'under-mrk-00000000000040008000000000000001',
    });
    expect(spec.Description.length).toBeLessThanOrEqual(256);
    expect(spec.ClientRequestToken).toHaveLength(64);
  });
});

describe('the token of a job', () => {
  test('differs for any other rotation, bucket, key, method, attempt or part', () => {
    const others = [
      jobToken({ ...scope, rotation: 'other' }, facts),
      jobToken({ ...scope, bucket: 'other' }, facts),
      jobToken({ ...scope, targetKeyArn: `${KEY}2` }, facts),
      jobToken({ ...scope, method: 'rewrite' }, facts),
      jobToken(scope, { attempt: 2, part: 'all' }),
      jobToken(scope, { attempt: 1, part: 'again-1' }),
    ];
    expect(new Set([jobToken(scope, facts), ...others]).size).toBe(7);
  });
});

describe('the description of a job', () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,30}$/);
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(name, name, fc.integer({ min: 1, max: 999_999 }), (rotation, bucket, attempt) => {
        const one = { ...scope, rotation, bucket };
        const told = describedJob(jobDescription(one, { attempt, part: 'sse-s3' }));
        expect(told).toMatchObject({ rotation, bucket, attempt, part: 'sse-s3', method: 'rewrap' });
        expect(told && isOfScope(told, one)).toBe(true);
        expect(told && isOfScope(told, { ...one, bucket: `${bucket}x` })).toBe(false);
      }),
    );
  });

  test.each([undefined, '', 'keyturn', 'keyturn rot: generated manifest of data', 'nightly copy'])(
    'refuses %p as none of ours',
    (text) => {
      expect(describedJob(text)).toBeUndefined();
    },
  );
});
