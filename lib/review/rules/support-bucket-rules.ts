import { BUCKET_DEFAULT, bucketOf, defaultEncryption } from '../key-target-changes';
import { isSupportResource, LOCK } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { list, text, type Values, values } from '../plan-values';
import { readStatements, textsOf } from '../planned-iam-policy';
import { listed, words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

const changing = ({ plan }: RuleContext, type: string): readonly PlannedChange[] =>
  plan.changes.filter((change) => change.mode === 'managed' && change.type === type && change.action !== 'no-op');

const underKey: ReviewRule = {
  id: 'KT035',
  title: "a bucket that serves the rotation leaves S3's own key",
  severity: 'error',
  why: 'S3 reads no hand-made manifest under a KMS key, and evidence must be readable whatever becomes of the keys that it speaks of.',
  next: 'Put sse_algorithm back to AES256.',
  waivable: true,
  look: (context) =>
    changing(context, BUCKET_DEFAULT)
      .filter(({ address, after }) => isSupportResource(address) && after !== undefined)
      .flatMap((change): Sighting[] => {
        const algorithm = defaultEncryption(change.after, change.unknown)?.algorithm;
        if (algorithm === 'AES256') return [];
        const bucket = bucketOf(change, context.rotation);
        return [
          { address: change.address, says: words`the default of bucket ${bucket} becomes ${algorithm ?? '(unset)'}` },
        ];
      }),
};

const lockWeaker: ReviewRule = {
  id: 'KT036',
  title: 'evidence is locked less, or no longer',
  severity: 'error',
  why: 'What is put from then on can be deleted or replaced sooner, by more people, and proves less.',
  next: 'Leave mode and days of evidence.bucket.retention as they are, or waive this with the decision as the reason.',
  waivable: true,
  look: (context) => changing(context, LOCK.type).flatMap(weakened),
};

function weakened({ address, action, before, after }: PlannedChange): readonly Sighting[] {
  const says = (what: ReturnType<typeof words>): readonly Sighting[] => [{ address, says: what }];
  if (['delete', 'replace', 'forget'].includes(action)) return says(words`the lock of the evidence is taken away`);
  const [was, becomes] = [retentionOf(before), retentionOf(after)];
  if (was === undefined) return [];
  if (becomes === undefined) return says(words`what is put is no longer locked by itself`);
  return [
    ...(was.mode === 'COMPLIANCE' && becomes.mode !== 'COMPLIANCE'
      ? says(words`the mode of the lock goes from ${was.mode} to ${becomes.mode}: who may bypass it can delete`)
      : []),
    ...(becomes.days < was.days ? says(words`evidence is locked for ${becomes.days} days instead of ${was.days}`) : []),
  ];
}

/** The default retention of an object lock configuration, in days; a year counts 365, as S3 counts it. */
export function retentionOf(held: Values | undefined): { readonly mode: string; readonly days: number } | undefined {
  const [rule] = list(held?.rule).map(values);
  const [retention] = list(rule?.default_retention).map(values);
  if (retention === undefined) return undefined;
  const [days, years] = [Number(retention.days ?? 0), Number(retention.years ?? 0)];
  return { mode: text(retention.mode) ?? '(unset)', days: days > 0 ? days : years * 365 };
}

const opened: ReviewRule = {
  id: 'KT037',
  title: "a bucket's policy lets somebody in",
  severity: 'error',
  why: "The policies of a rotation's buckets only deny. Who may use a bucket is decided by the account's own policies, and nobody outside the account may.",
  next: "Take the statement out; a bucket whose policy is somebody else's is declared with manage: encryption, or manage: existing.",
  waivable: true,
  look: (context) =>
    changing(context, 'aws_s3_bucket_policy').flatMap((change): Sighting[] => {
      const policy = readStatements(text(change.after?.policy));
      if (!policy) return [];
      const bucket = bucketOf(change, context.rotation);
      const allowing = policy.statements.filter(({ effect }) => effect === 'Allow');
      return [
        ...allowing.map(({ principal, actions }) => ({
          address: change.address,
          says: words`bucket ${bucket}: ${listed(admitted(principal))} may ${listed(actions)}`,
        })),
        ...(policy.strange === 0
          ? []
          : [
              {
                address: change.address,
                says: words`bucket ${bucket}: ${policy.strange} statement(s) are not understood`,
              },
            ]),
      ];
    }),
};

function admitted(principal: unknown): readonly string[] {
  if (typeof principal === 'string') return [principal === '*' ? 'everybody' : principal];
  return Object.values(values(principal)).flatMap((who) => textsOf(who) ?? ['?']);
}

export const supportBucketRules: readonly ReviewRule[] = [underKey, lockWeaker, opened];
