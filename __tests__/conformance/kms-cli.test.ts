import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LocalAws } from '../../local-aws';
import { startTestAws } from '../support/embedded-aws';
import { awsCli, itWithCli } from './aws-cli';
import { wrap } from './byok';

let aws: LocalAws;
let directory: string;

beforeAll(async () => {
  aws = await startTestAws();
  directory = mkdtempSync(path.join(tmpdir(), 'kms-cli-'));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await aws.close();
});

const kms = (...args: readonly string[]) => awsCli(aws, 'kms', ...args);

function file(name: string, bytes: Buffer): string {
  const where = path.join(directory, name);
  writeFileSync(where, bytes);
  return `fileb://${where}`;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const base64 = (value: unknown): Buffer => Buffer.from(text(value), 'base64');

itWithCli('tells the AWS CLI who it is', async () => {
  expect(await awsCli(aws, 'sts', 'get-caller-identity')).toMatchObject({ Account: aws.accountId });
});

itWithCli(
  'takes a key from nothing to use with the AWS CLI alone',
  async () => {
    const created = await kms('create-key', '--origin', 'EXTERNAL', '--tags', 'TagKey=team,TagValue=storage');
    const { KeyId, KeyState } = created.KeyMetadata as Record<string, string>;
    expect(KeyState).toBe('PendingImport');
    const id = ['--key-id', text(KeyId)];

    const spec = ['--wrapping-algorithm', 'RSAES_OAEP_SHA_256', '--wrapping-key-spec', 'RSA_2048'];
    const given = await kms('get-parameters-for-import', ...id, ...spec);
    const token = file('token', base64(given.ImportToken));
    const wrapped = file('wrapped', wrap(randomBytes(32), base64(given.PublicKey)));
    const model = ['--expiration-model', 'KEY_MATERIAL_DOES_NOT_EXPIRE'];
    await kms('import-key-material', ...id, '--import-token', token, '--encrypted-key-material', wrapped, ...model);

    await kms('create-alias', '--alias-name', 'alias/cli/v1', '--target-key-id', text(KeyId));
    const { KeyMetadata } = await kms('describe-key', '--key-id', 'alias/cli/v1');
    expect(KeyMetadata).toMatchObject({ KeyId, KeyState: 'Enabled', ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' });

    const context = ['--encryption-context', 'purpose=test'];
    const made = await kms('generate-data-key', '--key-id', 'alias/cli/v1', '--key-spec', 'AES_256', ...context);
    const sealed = file('sealed', base64(made.CiphertextBlob));
    const opened = await kms('decrypt', '--ciphertext-blob', sealed, ...context);
    expect(base64(opened.Plaintext)).toEqual(base64(made.Plaintext));

    await kms('disable-key', ...id);
    await expect(kms('decrypt', '--ciphertext-blob', sealed, ...context)).rejects.toThrow(
      'An error occurred (DisabledException) when calling the Decrypt operation:',
    );
  },
  60_000,
);

itWithCli(
  'pages through aliases with the AWS CLI',
  async () => {
    const { KeyMetadata } = await kms('create-key');
    const { KeyId } = KeyMetadata as Record<string, string>;
    for (const name of ['a', 'b', 'c']) {
      await kms('create-alias', '--alias-name', `alias/page/${name}`, '--target-key-id', text(KeyId));
    }
    const { Aliases } = await kms('list-aliases', '--key-id', text(KeyId), '--page-size', '1');
    expect(Aliases).toHaveLength(3);
  },
  60_000,
);

itWithCli('refuses the AWS CLI in words it can show', async () => {
  await expect(kms('describe-key', '--key-id', 'alias/none')).rejects.toThrow(
    `An error occurred (NotFoundException) when calling the DescribeKey operation: Alias arn:aws:kms:${aws.region}:${aws.accountId}:alias/none is not found.`,
  );
});
