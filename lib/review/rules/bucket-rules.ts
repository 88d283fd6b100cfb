import { BUCKET_DEFAULT, bucketOf, type DefaultEncryption, defaultEncryption } from '../key-target-changes';
import { isSupportResource } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { list, text, values } from '../plan-values';
import { words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

const managed = ({ plan }: RuleContext, type: RegExp): readonly PlannedChange[] =>
  plan.changes.filter((change) => change.mode === 'managed' && type.test(change.type) && change.action !== 'no-op');

/** Defaults of the rotation's own buckets; support buckets have a rule of their own. */
const defaults = (context: RuleContext): readonly PlannedChange[] =>
  managed(context, new RegExp(`^${BUCKET_DEFAULT}$`)).filter(({ address }) => !isSupportResource(address));

const plannedEncryption = (change: PlannedChange): DefaultEncryption | undefined =>
  defaultEncryption(change.after, change.unknown);

const leavesKms: ReviewRule = {
  id: 'KT030',
  title: 'a bucket default leaves SSE-KMS',
  severity: 'error',
  why: 'New objects would be under a key of S3, or under a method that cannot be rewrapped. No rotation would cover them.',
  next: 'Set sse_algorithm to aws:kms with the key of the active version.',
  waivable: true,
  look: (context) =>
    defaults(context).flatMap((change): Sighting[] => {
      const { address, action } = change;
      const bucket = bucketOf(change, context.rotation);
      if (action === 'delete' || action === 'replace' || action === 'forget') {
        return [
          {
            address,
            message: words`the default of bucket ${bucket} is ${action === 'forget' ? words`no longer managed` : words`destroyed, which resets it to SSE-S3`}`,
          },
        ];
      }
      const algorithm = plannedEncryption(change)?.algorithm;
      if (algorithm === 'aws:kms' || change.after === undefined) return [];
      return [{ address, message: words`the default of bucket ${bucket} becomes ${algorithm ?? '(unset)'}` }];
    }),
};

const FULL_ARN = /^arn:[^:]+:kms:[a-z0-9-]+:\d{12}:key\/[^/]+$/;

const namesAlias: ReviewRule = {
  id: 'KT031',
  title: 'a bucket default does not name its key by full ARN',
  severity: 'error',
  why: 'S3 resolves an alias or a bare id in the account of the writer, where it may be another key or none.',
  next: 'Use the full key ARN in the configuration, as the storage stack does.',
  waivable: true,
  look: (context) =>
    defaults(context).flatMap((change): Sighting[] => {
      const found = plannedEncryption(change);
      if (found?.algorithm !== 'aws:kms' || found.keyUnknown || (found.key !== undefined && FULL_ARN.test(found.key)))
        return [];
      const given = found.key ?? '(no key: the AWS managed key aws/s3)';
      return [
        {
          address: change.address,
          message: words`the default of bucket ${bucketOf(change, context.rotation)} names ${given}`,
        },
      ];
    }),
};

const bucketKeyLost: ReviewRule = {
  id: 'KT032',
  title: 'a bucket loses its bucket key',
  severity: 'warning',
  why: 'S3 then calls KMS for every object. This costs money and can throttle everything else that uses KMS in the account.',
  next: 'Set bucketKey: true, or have a person decide that KMS should log each object.',
  waivable: true,
  look: (context) =>
    defaults(context).flatMap((change): Sighting[] => {
      const [was, becomes] = [defaultEncryption(change.before), plannedEncryption(change)];
      if (!was?.bucketKey || becomes === undefined || becomes.bucketKey) return [];
      return [
        {
          address: change.address,
          message: words`bucket ${bucketOf(change, context.rotation)} no longer uses a bucket key`,
        },
      ];
    }),
};

const bucketDestroyed: ReviewRule = {
  id: 'KT033',
  title: 'a bucket is destroyed, replaced or no longer managed',
  severity: 'error',
  why: 'Its objects are lost with it, or nobody manages them any more.',
  next: 'Keep the bucket in the rotation file. To hand it over, move its state first and waive this finding with that reason.',
  waivable: true,
  look: (context) =>
    managed(context, /^aws_s3_bucket$/)
      .filter((change) => ['delete', 'replace', 'forget'].includes(change.action))
      .map((change) => ({
        address: change.address,
        message: words`bucket ${bucketOf(change, context.rotation)} is ${{ delete: words`destroyed`, replace: words`destroyed and created again` }[change.action as 'delete' | 'replace'] ?? words`no longer managed`}`,
      })),
};

const PROTECTION = /^aws_s3_bucket(_versioning|_public_access_block|_ownership_controls|_policy)?$/;

const protectionWeaker: ReviewRule = {
  id: 'KT034',
  title: 'a bucket is protected less',
  severity: 'warning',
  why: 'Without versioning an overwritten object is lost. Without the other settings the bucket can become public or be read without TLS.',
  next: 'Remove the change, or have a person decide that the bucket needs it.',
  waivable: true,
  look: (context) => managed(context, PROTECTION).flatMap((change) => weakened(change, context)),
};

function weakened(change: PlannedChange, context: RuleContext): readonly Sighting[] {
  const { address, type, action, before, after } = change;
  const message = (what: string): Sighting => ({
    address,
    message: [...words`bucket ${bucketOf(change, context.rotation)}: `, what],
  });
  if (type !== 'aws_s3_bucket' && ['delete', 'replace', 'forget'].includes(action)) {
    return [message(`${type.replace('aws_s3_bucket_', '').replaceAll('_', ' ')} is removed`)];
  }
  const found: Sighting[] = [];
  const status = (held: typeof before) => text(values(list(held?.versioning_configuration)[0]).status);
  if (status(before) === 'Enabled' && status(after) !== 'Enabled') found.push(message('versioning is switched off'));
  for (const setting of ['block_public_acls', 'block_public_policy', 'ignore_public_acls', 'restrict_public_buckets']) {
    if (before?.[setting] === true && after?.[setting] !== true) found.push(message(`${setting} is switched off`));
  }
  const owner = (held: typeof before) => text(values(list(held?.rule)[0]).object_ownership);
  if (
    type.endsWith('_ownership_controls') &&
    owner(before) === 'BucketOwnerEnforced' &&
    owner(after) !== owner(before)
  ) {
    found.push(message('ACLs are allowed again'));
  }
  if (type === 'aws_s3_bucket' && before?.force_destroy !== true && after?.force_destroy === true) {
    found.push(message('force_destroy allows a destroy to delete the objects'));
  }
  if (type === 'aws_s3_bucket_policy' && deniesPlain(before) && !deniesPlain(after)) {
    found.push(message('requests without TLS are no longer denied'));
  }
  return found;
}

/** True if the policy denies requests without TLS to everybody. An unparsable policy denies nothing. */
function deniesPlain(held: PlannedChange['before']): boolean {
  try {
    return list(values(JSON.parse(text(held?.policy) ?? '{}')).Statement).some((one) => {
      const { Effect, Principal, Condition } = values(one);
      return (
        Effect === 'Deny' && Principal === '*' && values(values(Condition).Bool)['aws:SecureTransport'] === 'false'
      );
    });
  } catch {
    return false;
  }
}

export const bucketRules: readonly ReviewRule[] = [
  leavesKms,
  namesAlias,
  bucketKeyLost,
  bucketDestroyed,
  protectionWeaker,
];
