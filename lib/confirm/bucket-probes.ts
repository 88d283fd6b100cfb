import { type EncryptionType, GetBucketEncryptionCommand, PutBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { called } from '../aws/failures';
import { pauseFor } from '../kms/wait-for-key';
import { defineProbe, notSettled, settled, unforeseen } from './probe';
import type { Sandbox } from './sandbox';

const newBucketBlocks = defineProbe({
  setting: 'newBucketBlocks',
  question: 'Does a new bucket of this account block writes with SSE-C?',
  documented: 'Since April 2026 new buckets do, in 37 Regions and for accounts without such objects',
  ways: {
    'sse-c': 'Nothing to handle: Keyturn writes nothing with SSE-C.',
    nothing: 'Nothing to handle: versions under SSE-C are counted and are out of scope.',
  },
  async ask(sandbox) {
    const { blocked } = await defaultOf(sandbox);
    const seen = `BlockedEncryptionTypes: ${blocked.join(', ') || 'absent'}`;
    if (blocked.includes('SSE-C')) return settled('sse-c', seen);
    return blocked.every((type) => type === 'NONE') ? settled('nothing', seen) : unforeseen(seen);
  },
});

const blockedTypesOnPut = defineProbe({
  setting: 'blockedTypesOnPut',
  question: 'What does PutBucketEncryption without `BlockedEncryptionTypes` do to the block of SSE-C?',
  documented: 'Not said',
  ways: {
    cleared: 'The docs say to check the block after the first apply, and which bucket policy does not depend on it.',
    kept: 'Nothing to handle.',
  },
  async ask(sandbox) {
    await putDefault(sandbox, 'AES256', ['SSE-C']);
    const before = await defaultWith(sandbox, ({ blocked }) => blocked.includes('SSE-C'));
    if (before === undefined) return notSettled('S3 does not show the block that was put');
    // The algorithm changes too: it shows that the answer is not that of the rule before.
    await putDefault(sandbox, 'aws:kms');
    const after = await defaultWith(sandbox, ({ algorithm }) => algorithm === 'aws:kms');
    if (after === undefined) return notSettled('S3 does not show the rule that was put');
    const seen = `BlockedEncryptionTypes: ${after.blocked.join(', ') || 'absent'}`;
    if (after.blocked.includes('SSE-C')) return settled('kept', seen);
    return after.blocked.every((type) => type === 'NONE') ? settled('cleared', seen) : unforeseen(seen);
  },
});

interface Default {
  readonly algorithm: string | undefined;
  readonly blocked: readonly string[];
}

async function defaultOf({ clients: { s3 }, bucket }: Sandbox): Promise<Default> {
  const command = new GetBucketEncryptionCommand({ Bucket: bucket });
  const answer = await called('s3:GetEncryptionConfiguration', bucket, () => s3.send(command));
  const [rule] = answer.ServerSideEncryptionConfiguration?.Rules ?? [];
  return {
    algorithm: rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm,
    blocked: rule?.BlockedEncryptionTypes?.EncryptionType ?? [],
  };
}

async function putDefault(
  { clients: { s3 }, bucket }: Sandbox,
  SSEAlgorithm: 'AES256' | 'aws:kms',
  blocked?: EncryptionType[],
): Promise<void> {
  const rule = {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm },
    ...(blocked && { BlockedEncryptionTypes: { EncryptionType: blocked } }),
  };
  const command = new PutBucketEncryptionCommand({
    Bucket: bucket,
    ServerSideEncryptionConfiguration: { Rules: [rule] },
  });
  await called('s3:PutEncryptionConfiguration', bucket, () => s3.send(command));
}

/** The rule once it is as expected; settings of buckets are eventually consistent. Undefined: not within a minute. */
async function defaultWith(sandbox: Sandbox, isShown: (rule: Default) => boolean): Promise<Default | undefined> {
  for (let asked = 0; asked < 20; asked += 1) {
    const rule = await defaultOf(sandbox);
    if (isShown(rule)) return rule;
    await pauseFor(3_000, sandbox.signal, 'waiting for the default of the bucket');
  }
  return undefined;
}

export const bucketProbes = { newBucketBlocks, blockedTypesOnPut };
