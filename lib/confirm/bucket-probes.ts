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
    const fromBlock = await blockedAfterPut(sandbox, 'SSE-C');
    const fromNone = await blockedAfterPut(sandbox, 'NONE');
    if (fromBlock === undefined || fromNone === undefined) return notSettled('S3 does not show the rule that was put');
    const seen = `after SSE-C: ${fromBlock.join(', ') || 'absent'}; after NONE: ${fromNone.join(', ') || 'absent'}`;
    const isOpen = (blocked: readonly string[]) => blocked.every((type) => type === 'NONE');
    // A block after NONE is neither: then a Put without the element sets the default of new buckets.
    if (!isOpen(fromNone)) return unforeseen(seen);
    if (fromBlock.includes('SSE-C')) return settled('kept', seen);
    return isOpen(fromBlock) ? settled('cleared', seen) : unforeseen(seen);
  },
});

/** What is blocked after a rule that blocks, and then one that does not say what. Undefined: S3 does not show one of them. */
async function blockedAfterPut(sandbox: Sandbox, type: 'SSE-C' | 'NONE'): Promise<readonly string[] | undefined> {
  const blocksIt = ({ algorithm, blocked }: Default) =>
    algorithm === 'AES256' && blocked.includes('SSE-C') === (type === 'SSE-C');
  await putDefault(sandbox, 'AES256', [type]);
  if ((await defaultWith(sandbox, blocksIt)) === undefined) return undefined;
  // The algorithm changes too: it shows that the answer is not that of the rule before.
  await putDefault(sandbox, 'aws:kms');
  return (await defaultWith(sandbox, ({ algorithm }) => algorithm === 'aws:kms'))?.blocked;
}

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
