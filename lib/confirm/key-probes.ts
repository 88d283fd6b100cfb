import { assumeRole } from '../aws/assume-role';
import type { AwsClients } from '../aws/clients';
import { isCode } from '../errors';
import { describeKey } from '../kms/describe-key';
import { pauseFor } from '../kms/wait-for-key';
import { partitionOf } from '../rotation/partition';
import { defineProbe, notSettled, settled, unforeseen } from './probe';
import { attempt, attemptAgain, outcomeOf, type Refusal, refusalText, steadyOutcomeOf } from './refusal';
import type { Sandbox } from './sandbox';
import { MARK_TAG } from './sandbox-mark';

/** Milliseconds between two looks. */
const POLL = 5_000;

const missingAlias = defineProbe({
  setting: 'missingAlias',
  question: 'What does DescribeKey of an alias that does not exist answer under a policy on the tags of keys?',
  documented: '`NotFoundException` for an alias that does not exist; the order of both checks is not said',
  ways: {
    'not-found': 'The alias counts as not declared yet.',
    'access-denied': 'Keyturn reports access denied, with the name of the action.',
  },
  async ask(sandbox) {
    const { clients, account, region, mark, role, keys } = sandbox;
    if (role === undefined) return notSettled('not asked without --role, a role that this identity may assume');
    const arn = await keys.other();
    const statement = {
      Effect: 'Allow',
      Action: 'kms:DescribeKey',
      Resource: `arn:${partitionOf(region)}:kms:${region}:${account}:key/*`,
      Condition: { StringEquals: { [`aws:ResourceTag/${MARK_TAG}`]: mark } },
    };
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    const session = await assumeRole(clients, { roleArn: role, sessionName: `keyturn-confirm-${mark}`, policy });
    try {
      if (!(await mayDescribe(session, arn, sandbox)))
        return notSettled(`${role} may not describe a key with the tag ${MARK_TAG}`);
      const key = await describeKey(session.kms, `alias/keyturn-confirm-${mark}`);
      return key === undefined ? settled('not-found', 'NotFoundException') : unforeseen('KMS knows the alias');
    } catch (error) {
      if (isCode(error, 'aws-access-denied')) return settled('access-denied', error.facts.awsMessage);
      throw error;
    } finally {
      session.destroy();
    }
  },
});

/** Tags take up to five minutes to count in permissions. */
async function mayDescribe(session: AwsClients, arn: string, { signal, waitMs }: Sandbox): Promise<boolean> {
  for (const deadline = Date.now() + waitMs; ; ) {
    try {
      return (await describeKey(session.kms, arn)) !== undefined;
    } catch (error) {
      if (!isCode(error, 'aws-access-denied')) throw error;
    }
    if (Date.now() + POLL > deadline) return false;
    await pauseFor(POLL, signal, 'waiting for a tag to count');
  }
}

const headUnderDisabledKey = defineProbe({
  setting: 'headUnderDisabledKey',
  question: 'Does HEAD of a version answer while its key is disabled?',
  documented: 'HEAD needs no permission of KMS unless a checksum is asked for',
  ways: {
    answered: 'The last look after DisableKey sees which versions are under the key.',
    refused: 'The last look after DisableKey cannot read a version that is under the key, and enables the key again.',
  },
  async ask(sandbox) {
    const { keys, objects } = sandbox;
    const { arn } = await keys.imported();
    const ref = await objects.put('under-a-disabled-key', arn);
    await objects.head(ref);
    return whileDisabled(
      sandbox,
      arn,
      () => objects.read(ref),
      async () => {
        const outcome = await attemptAgain('s3:GetObject', objects.bucket, () => objects.head(ref));
        if (outcome === 'accepted') return settled('answered', 'HEAD answered 200');
        const isRefused = /^(KMS\..*|HTTP 400|BadRequest|400)$/.test(outcome.code);
        return isRefused ? settled('refused', refusalText(outcome)) : unforeseen(refusalText(outcome));
      },
    );
  },
});

/**
 * Disables the key of the run, waits until S3 no longer reads what is under it, works, and enables it again. Without that
 * wait an answer may be about a key that S3 still takes for enabled.
 *
 * @param control - reads something under the key: S3 must refuse it, for KMS, before anything is asked
 */
async function whileDisabled<Answer>(
  { keys, objects, signal, waitMs }: Sandbox,
  arn: string,
  control: () => Promise<void>,
  work: () => Promise<Answer>,
): Promise<Answer | ReturnType<typeof notSettled>> {
  await keys.setEnabled(arn, false);
  try {
    for (const deadline = Date.now() + waitMs; ; ) {
      const outcome = await attempt('s3:GetObject', objects.bucket, control);
      if (outcome !== 'accepted' && outcome.code.startsWith('KMS.')) return await work();
      if (outcome !== 'accepted') return notSettled(`reading under a disabled key: ${refusalText(outcome)}`);
      if (Date.now() + POLL > deadline)
        return notSettled('S3 still reads under the disabled key; --wait lets it wait longer');
      await pauseFor(POLL, signal, 'waiting for S3 to refuse a disabled key');
    }
  } finally {
    await keys.setEnabled(arn, true);
  }
}

/** How often the state is read after an import into a disabled key, and the milliseconds in between. */
const LOOKS = { times: 6, pauseMs: 10_000 };

const annotationsUnderRewrap = defineProbe({
  setting: 'annotationsUnderRewrap',
  question: 'Does UpdateObjectEncryption move the annotations of an object too?',
  documented: 'Annotations are "encrypted with the same KMS key" as their object; a rewrap is not mentioned',
  ways: {
    left: 'Keyturn leaves annotated versions, and the gate stays closed for those that somebody moved (`annotations-unknown`).',
    moved: 'The same.',
  },
  async ask(sandbox) {
    const { keys, objects } = sandbox;
    const { arn } = await keys.imported();
    const ref = await objects.put('annotated', arn);
    await objects.annotate(ref);
    await objects.readAnnotation(ref);
    await objects.rewrap(ref, await keys.other());
    const stayed = await objects.put('annotated-and-not-rewrapped', arn);
    await objects.annotate(stayed);
    await objects.readAnnotation(stayed);
    return whileDisabled(
      sandbox,
      arn,
      () => objects.readAnnotation(stayed),
      async () => {
        const read = () => objects.readAnnotation(ref);
        const outcome = await attemptAgain('s3:GetObjectAnnotation', objects.bucket, read);
        if (outcome === 'accepted')
          return settled('moved', 'the annotation opens without the key that the object left');
        const seen = refusalText(outcome);
        return outcome.code.startsWith('KMS.') ? settled('left', seen) : unforeseen(seen);
      },
    );
  },
});

const importIntoDisabledKey = defineProbe({
  setting: 'importIntoDisabledKey',
  question: 'What does importing the material of a disabled key again do?',
  documented:
    'The table of key states allows it for `EXTERNAL` keys; the API reference names pending import and enabled only',
  ways: {
    'stays-disabled': '`extend` and `drill` import into no disabled key.',
    enables: 'The same, so that nothing of Keyturn turns a retired key on.',
    refused: 'The same.',
  },
  async ask(sandbox) {
    const { keys, objects, signal } = sandbox;
    const { arn, material, keyMaterialId } = await keys.imported();
    const again = () => keys.import(arn, material, { importType: 'EXISTING_KEY_MATERIAL', keyMaterialId });
    const control = await objects.put('under-the-key-of-the-import', arn);
    let refused: Refusal | undefined;
    const answer = await whileDisabled(
      sandbox,
      arn,
      () => objects.read(control),
      async () => {
        const outcome = await steadyOutcomeOf(again, signal);
        if (outcome === 'accepted') return stateAfterImport(sandbox, arn);
        refused = outcome;
        return /^(KMSInvalidState|Disabled)Exception$/.test(outcome.code)
          ? settled('refused', refusalText(outcome))
          : unforeseen(refusalText(outcome));
      },
    );
    if (refused === undefined) return answer;
    const enabled = await outcomeOf(again);
    if (enabled === 'accepted') return answer;
    return notSettled(`KMS refuses it for an enabled key, too: ${refusalText(enabled)}`);
  },
});

async function stateAfterImport({ clients, signal }: Sandbox, arn: string) {
  for (let look = 0; look < LOOKS.times; look += 1) {
    const state = (await describeKey(clients.kms, arn))?.state;
    if (state === 'Enabled') return settled('enables', 'the key is Enabled after the import');
    if (state !== 'Disabled') return unforeseen(`the key is ${state} after the import`);
    await pauseFor(LOOKS.pauseMs, signal, 'waiting for the state of a key');
  }
  return settled(
    'stays-disabled',
    `the key is still Disabled ${(LOOKS.times * LOOKS.pauseMs) / 1000} s after the import`,
  );
}

export const keyProbes = { missingAlias, headUnderDisabledKey, annotationsUnderRewrap, importIntoDisabledKey };
