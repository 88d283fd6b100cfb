import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { awsCli, itWithCli } from './aws-cli';

const MINUTE = 60_000;

let aws: LocalAws;
let directory: string;

beforeAll(async () => {
  aws = await startTestAws();
  directory = mkdtempSync(path.join(tmpdir(), 's3-cli-'));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await aws.close();
});

/** The high-level commands, which print nothing when all is well. */
const s3 = (...args: readonly string[]) => awsCli(aws, 's3', ...args, '--only-show-errors');
const s3api = (...args: readonly string[]) => awsCli(aws, 's3api', ...args);

function tree(name: string, files: Readonly<Record<string, Buffer>>): string {
  const root = path.join(directory, name);
  for (const [file, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), bytes);
  }
  return root;
}

itWithCli(
  'sync takes a directory there and back, one file in parts',
  async () => {
    const files = {
      'a.txt': Buffer.from('a'),
      'sub/b c+d%.txt': Buffer.from('b'),
      'big.bin': Buffer.alloc(9 * 1024 ** 2, 'xyz'),
    };
    const source = tree('source', files);
    await s3api(
      'create-bucket',
      '--bucket',
      'cli-sync',
      '--create-bucket-configuration',
      `LocationConstraint=${aws.region}`,
    );
    await s3('sync', source, 's3://cli-sync/tree');
    const { ETag } = await s3api('head-object', '--bucket', 'cli-sync', '--key', 'tree/big.bin');
    expect(ETag).toMatch(/-2"$/);
    const back = path.join(directory, 'back');
    await s3('sync', 's3://cli-sync/tree', back);
    for (const [name, bytes] of Object.entries(files))
      expect(readFileSync(path.join(back, name)).equals(bytes)).toBe(true);
    await s3('cp', 's3://cli-sync/tree/big.bin', 's3://cli-sync/copy.bin');
    const { ContentLength } = await s3api('head-object', '--bucket', 'cli-sync', '--key', 'copy.bin');
    expect(ContentLength).toBe(9 * 1024 ** 2);
    await s3('rm', 's3://cli-sync', '--recursive');
    await s3api('delete-bucket', '--bucket', 'cli-sync');
  },
  2 * MINUTE,
);

itWithCli(
  'the settings of a bucket and the versions of an object are told as on AWS',
  async () => {
    const of = ['--bucket', 'cli-box'];
    await s3api('create-bucket', ...of, '--create-bucket-configuration', `LocationConstraint=${aws.region}`);
    await s3api('put-bucket-versioning', ...of, '--versioning-configuration', 'Status=Enabled');
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' }, BucketKeyEnabled: true };
    await s3api(
      'put-bucket-encryption',
      ...of,
      '--server-side-encryption-configuration',
      JSON.stringify({ Rules: [rule] }),
    );
    const told = await s3api('get-bucket-encryption', ...of);
    expect(told).toMatchObject({ ServerSideEncryptionConfiguration: { Rules: [rule] } });
    await s3('cp', tree('one', { 'x.txt': Buffer.from('one') }), 's3://cli-box/', '--recursive');
    await s3('cp', tree('two', { 'x.txt': Buffer.from('two!') }), 's3://cli-box/', '--recursive');
    expect(await s3api('list-object-versions', ...of)).toMatchObject({
      Versions: [
        { Key: 'x.txt', Size: 4, IsLatest: true },
        { Key: 'x.txt', Size: 3, IsLatest: false },
      ],
    });
    expect(await s3api('head-object', ...of, '--key', 'x.txt')).toMatchObject({
      ServerSideEncryption: 'aws:kms',
      BucketKeyEnabled: true,
      SSEKMSKeyId: expect.stringMatching(/^arn:aws:kms:/),
    });
    await expect(s3api('get-bucket-policy', ...of)).rejects.toThrow('NoSuchBucketPolicy');
  },
  2 * MINUTE,
);
