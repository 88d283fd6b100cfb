import { batchRoleName } from '../../rotation/rotation';
import { LOCK, ROLE, ROLE_POLICY } from '../own-addresses';
import type { PlannedChange } from '../plan-document';
import { text } from '../plan-values';
import { type Words, words } from '../review-messages';
import type { RuleContext, Sighting } from '../review-rule';
import { retentionOf } from './support-bucket-rules';

/** What stands in the plan, and what the file says of it. */
interface Expected {
  readonly address: string;
  readonly what: string;
  /** Whether the file declares it. */
  readonly declared: boolean;
  /** What is otherwise than the file says. */
  readonly differs: (change: PlannedChange) => Words | undefined;
}

/** Where the plan of a storage stack has another role of jobs, other serving buckets or another lock than the file says. */
export function supportBucketDiffers(context: RuleContext): readonly Sighting[] {
  return expected(context).flatMap(({ address, what, declared, differs }): Sighting[] => {
    const change = context.plan.changes.find((one) => one.address === address && one.after !== undefined);
    if (!change) return declared ? [{ address, says: [what, ' is declared in the file and not in the plan'] }] : [];
    if (!declared) return [{ address, says: [what, ' is in the plan and not declared in the file'] }];
    const says = differs(change);
    return says ? [{ address, says }] : [];
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
      what: 'the bucket of the evidence',
      declared: evidence !== undefined,
      differs: named('bucket', evidence?.name, 'the bucket of the evidence'),
    },
    {
      address: LOCK.address,
      what: 'the lock of the evidence',
      declared: evidence !== undefined,
      differs: ({ action, after }) => {
        const { mode, days } = retentionOf(after) ?? { mode: '(none)', days: 0 };
        const wanted = evidence?.retention;
        if (action === 'no-op' || (mode === wanted?.mode && days === wanted.days)) return undefined;
        return words`evidence is locked for ${days} days in mode ${mode}, the file says ${wanted?.days ?? 0} in mode ${wanted?.mode ?? '(none)'}`;
      },
    },
  ];
}
