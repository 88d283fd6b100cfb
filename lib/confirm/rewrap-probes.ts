import { lastUsageOf } from '../kms/other-users';
import { pauseFor } from '../kms/wait-for-key';
import { defineProbe, notSettled, settled, unforeseen } from './probe';
import { attempt, refusalText, steadyOutcomeOf } from './refusal';
import type { Sandbox } from './sandbox';

/** How often AWS is asked for what it shows late, in milliseconds. */
const POLL = 15_000;

/** Asked before any other probe uses the key whose material KMS made: its last use must be that of the rewrap. */
const rewrapCalls = defineProbe({
  setting: 'rewrapCalls',
  question: 'Which calls of KMS does a rewrap make?',
  documented: 'The permissions for UpdateObjectEncryption name ReEncrypt as well as Decrypt and Encrypt',
  ways: {
    're-encrypt': 'The forecast counts two KMS calls for a rewrap; the policies allow both.',
    'decrypt-and-encrypt': 'The forecast counts two KMS calls for a rewrap; the policies allow both.',
  },
  async ask({ keys, objects, clients, signal, waitMs }) {
    const source = await keys.imported();
    const target = await keys.other();
    const before = await lastUsageOf(clients.kms, target);
    if (before.known?.operation !== undefined) return notSettled('the target key was used before the rewrap');
    await objects.rewrap(await objects.put('rewrapped-once', source.arn), target);
    for (const deadline = Date.now() + waitMs; ; ) {
      const usage = await lastUsageOf(clients.kms, target);
      if (usage.known === undefined) return notSettled(`the last use of a key is unknown: ${usage.unknown}`);
      const used = usage.known.operation;
      if (used === 'ReEncrypt') return settled('re-encrypt', 'the last use of the target key is ReEncrypt');
      if (used !== undefined && /^(Encrypt|GenerateDataKey)/.test(used))
        return settled('decrypt-and-encrypt', `the last use of the target key is ${used}`);
      if (used !== undefined) return unforeseen(`the last use of the target key is ${used}`);
      if (Date.now() + POLL > deadline) break;
      await pauseFor(POLL, signal, 'waiting for the last use of a key');
    }
    return notSettled('GetKeyLastUsage shows no use yet; it may be an hour late: --wait 70');
  },
});

const rewrapToSameKey = defineProbe({
  setting: 'rewrapToSameKey',
  question: 'Does UpdateObjectEncryption accept the key that the object is under already?',
  documented: 'The reasons for `InvalidRequest` that the API reference lists do not include it',
  ways: {
    accepted: 'Nothing to handle.',
    refused:
      'Keyturn inspects each version first. With `--optimistic`, and where an answer was lost, the version counts as failed until the next run.',
  },
  async ask(sandbox) {
    const { keys, objects } = sandbox;
    const other = await keys.other();
    const ref = await objects.put('rewrapped-twice');
    await objects.rewrap(ref, other);
    return rewrapAgain(sandbox, ref, other, 'the second rewrap to the same key succeeded');
  },
});

/** The key of the object that is written before the bucket has versions, and so keeps a null version. */
const NULL_OBJECT = 'written-before-versions';

const versionsAfterEnabling = defineProbe({
  setting: 'versionsAfterEnabling',
  question: 'Are versions that are written right after versioning was enabled listed at once?',
  documented: 'Enabling versioning may take 15 minutes to reach everything; AWS advises to wait before writing',
  ways: {
    'at-once': 'Nothing to handle.',
    late: 'Keyturn stops where a listing has version ids that GetBucketVersioning denies. Wait 15 minutes after enabling.',
  },
  async ask({ objects }) {
    await objects.put(NULL_OBJECT);
    await objects.enableVersions();
    const missing: string[] = [];
    for (const key of ['version-1', 'version-2', 'version-3']) {
      const { versionId } = await objects.put(key);
      const listed = await objects.listedVersions(key);
      if (versionId === undefined || !listed.includes(versionId)) missing.push(key);
    }
    if (missing.length > 0) return settled('late', `${missing.length} of 3 versions were not listed at once`);
    return notSettled('all 3 versions were listed at once, which does not prove that they always are');
  },
});

const nullVersionRewrap = defineProbe({
  setting: 'nullVersionRewrap',
  question: 'Does UpdateObjectEncryption accept `versionId=null`?',
  documented: 'The API reference does not mention null versions',
  ways: {
    accepted: 'Null versions are rewrapped as all others.',
    refused: 'The version counts as failed, its key cannot retire, and `post-apply` names it.',
  },
  async ask(sandbox) {
    const { keys, objects } = sandbox;
    const ref = { key: NULL_OBJECT, versionId: 'null' };
    await objects.head(ref);
    const other = await keys.other();
    // Shows that a refusal is about the null version.
    await objects.rewrap(await objects.put('beside-a-null-version'), other);
    const answer = await rewrapAgain(sandbox, ref, other, 'the null version was rewrapped');
    if (answer.standing !== 'settled' || answer.value === 'refused') return answer;
    const held = await objects.head(ref);
    return held === other
      ? answer
      : unforeseen(`S3 answered 200, and the null version is under ${held ?? 'no KMS key'}`);
  },
});

async function rewrapAgain(
  { objects, signal }: Sandbox,
  ref: Parameters<Sandbox['objects']['rewrap']>[0],
  keyArn: string,
  seen: string,
) {
  const outcome = await steadyOutcomeOf(() => objects.rewrap(ref, keyArn), signal);
  if (outcome === 'accepted') return settled('accepted', seen);
  const refused = outcome.code === 'InvalidRequest' || outcome.code === 'InvalidArgument';
  return refused ? settled('refused', refusalText(outcome)) : unforeseen(refusalText(outcome));
}

const copyOntoItself = defineProbe({
  setting: 'copyOntoItself',
  question: 'Does a copy of an object onto itself count as a change when only its encryption is another one?',
  documented: 'S3 refuses a copy that changes nothing; its message names "encryption attributes" as a change',
  ways: {
    accepted: 'A rewrite copies the current version onto itself.',
    refused: 'The version counts as failed, and its key cannot retire.',
  },
  async ask({ keys, objects, signal }) {
    const key = 'copied';
    await objects.put(key);
    const unchanged = await attempt('s3:PutObject', objects.bucket, () => objects.copyOntoItself(key));
    if (unchanged === 'accepted') return notSettled('S3 accepts a copy onto itself that changes nothing at all');
    if (unchanged.code !== 'InvalidRequest') return unforeseen(refusalText(unchanged));
    const other = await keys.other();
    const outcome = await steadyOutcomeOf(() => objects.copyOntoItself(key, other), signal);
    if (outcome === 'accepted') return settled('accepted', 'the copy under another key succeeded');
    return outcome.code === 'InvalidRequest'
      ? settled('refused', refusalText(outcome))
      : unforeseen(refusalText(outcome));
  },
});

export const rewrapProbes = { rewrapCalls, rewrapToSameKey, copyOntoItself, versionsAfterEnabling, nullVersionRewrap };
