import { batchRoleName } from '../../rotation/rotation';
import { LOCK, ROLE, ROLE_POLICY } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { text } from '../plan-values';
import { type Words, words } from '../review-messages';
import type { RuleContext, Sighting } from '../review-rule';
import { retentionOf } from './support-bucket-rules';

/** A value in the plan, and the declared one. */
interface Expected {
  readonly address: string;
  readonly what: string;
  /** Whether the file declares it. */
  readonly declared: boolean;
  /** Differences from the file. */
  readonly differs: (change: PlannedChange) => Words | undefined;
}

/** Differences between the plan of a storage stack and the file: role of the jobs, support buckets, object lock. */
export function supportBucketDiffers(context: RuleContext): readonly Sighting[] {
  return expected(context).flatMap(({ address, what, declared, differs }): Sighting[] => {
    const change = context.plan.changes.find((one) => one.address === address && one.after !== undefined);
    if (!change)
      return declared ? [{ address, message: [what, ' is declared in the file but is not in the plan'] }] : [];
    if (!declared) return [{ address, message: [what, ' is in the plan but not declared in the file'] }];
    const message = differs(change);
    return message ? [{ address, message }] : [];
  });
}

function expected({ rotation }: RuleContext): readonly Expected[] {
  const { engine, batch } = rotation.reencrypt;
  const evidence = rotation.evidence.bucket;
  const jobs = engine !== 'local';
  const named = (attribute: string, wanted: string | undefined, what: string) => (change: PlannedChange) => {
    const given = text(change.after?.[attribute]);
    return given === undefined || given === wanted ? undefined : words`${what} is ${given}, not ${wanted ?? '(none)'}`;
  };
  const roleName = batchRoleName(rotation);
  return [
    { address: ROLE, what: 'the role of the jobs', declared: jobs, differs: named('name', roleName, 'the role') },
    {
      address: ROLE_POLICY,
      what: 'the policy of the role',
      declared: jobs,
      differs: named('role', roleName, 'its role'),
    },
    {
      address: 'aws_s3_bucket.batch',
      what: 'the bucket for jobs',
      declared: jobs && batch?.manage === 'bucket',
      differs: named('bucket', batch?.bucket, 'the bucket for jobs'),
    },
    {
      address: 'aws_s3_bucket.evidence',
      what: 'the evidence bucket',
      declared: evidence !== undefined,
      differs: named('bucket', evidence?.name, 'the evidence bucket'),
    },
    {
      address: LOCK.address,
      what: 'the object lock of the evidence bucket',
      declared: evidence !== undefined,
      differs: ({ action, after }) => {
        const { mode, days } = retentionOf(after) ?? { mode: '(none)', days: 0 };
        const wanted = evidence?.retention;
        if (action === 'no-op' || (mode === wanted?.mode && days === wanted.days)) return undefined;
        return words`evidence is locked for ${days} days in mode ${mode}, but the file declares ${wanted?.days ?? 0} in mode ${wanted?.mode ?? '(none)'}`;
      },
    },
  ];
}
