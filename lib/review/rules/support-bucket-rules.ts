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
  title: "a support bucket no longer uses S3's own key",
  severity: 'error',
  why: 'S3 does not read a supplied manifest under a KMS key, and evidence must stay readable whatever happens to the keys.',
  next: 'Set sse_algorithm to AES256.',
  waivable: true,
  look: (context) =>
    changing(context, BUCKET_DEFAULT)
      .filter(({ address, after }) => isSupportResource(address) && after !== undefined)
      .flatMap((change): Sighting[] => {
        const algorithm = defaultEncryption(change.after, change.unknown)?.algorithm;
        if (algorithm === 'AES256') return [];
        const bucket = bucketOf(change, context.rotation);
        return [
          {
            address: change.address,
            message: words`the default of bucket ${bucket} becomes ${algorithm ?? '(unset)'}`,
          },
        ];
      }),
};

const lockWeaker: ReviewRule = {
  id: 'KT036',
  title: 'the object lock of evidence is weakened or removed',
  severity: 'error',
  why: 'New evidence could be deleted or replaced earlier or by more people, and would prove less.',
  next: 'Leave mode and days of evidence.bucket.retention unchanged, or waive this finding with the decision as the reason.',
  waivable: true,
  look: (context) => changing(context, LOCK.type).flatMap(weakened),
};

function weakened({ address, action, before, after }: PlannedChange): readonly Sighting[] {
  const sighting = (what: ReturnType<typeof words>): readonly Sighting[] => [{ address, message: what }];
  if (['delete', 'replace', 'forget'].includes(action))
    return sighting(words`the object lock of the evidence bucket is removed`);
  const [was, becomes] = [retentionOf(before), retentionOf(after)];
  if (was === undefined) return [];
  if (becomes === undefined) return sighting(words`the bucket no longer has a default retention`);
  return [
    ...(was.mode === 'COMPLIANCE' && becomes.mode !== 'COMPLIANCE'
      ? sighting(
          words`the mode of the lock changes from ${was.mode} to ${becomes.mode}: principals with the bypass permission can delete`,
        )
      : []),
    ...(becomes.days < was.days
      ? sighting(words`evidence is locked for ${becomes.days} days instead of ${was.days}`)
      : []),
  ];
}

/** The default retention of an object lock configuration, in days; a year has 365 days, as in S3. */
export function retentionOf(held: Values | undefined): { readonly mode: string; readonly days: number } | undefined {
  const [rule] = list(held?.rule).map(values);
  const [retention] = list(rule?.default_retention).map(values);
  if (retention === undefined) return undefined;
  const [days, years] = [Number(retention.days ?? 0), Number(retention.years ?? 0)];
  return { mode: text(retention.mode) ?? '(unset)', days: days > 0 ? days : years * 365 };
}

const opened: ReviewRule = {
  id: 'KT037',
  title: "a bucket's policy admits a principal",
  severity: 'error',
  why: "The policies of a rotation's buckets only deny. The account's own policies decide who may use a bucket, and nobody outside of the account may.",
  next: 'Remove the statement. If somebody else owns the bucket policy, declare the bucket with manage: encryption or manage: existing.',
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
          message: words`bucket ${bucket}: ${listed(admitted(principal))} may ${listed(actions)}`,
        })),
        ...(policy.strange === 0
          ? []
          : [
              {
                address: change.address,
                message: words`bucket ${bucket}: ${policy.strange} statement(s) are not understood`,
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
