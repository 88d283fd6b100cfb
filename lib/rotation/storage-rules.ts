/** What a rotation file says of its buckets, and of how the objects in them are moved, together. */
import { shownText } from './faults';
import type { FieldPath } from './field-messages';
import { type Finding, list, mapping, repeated, textOf, type UnvalidatedFile } from './unvalidated-file';

const ONCE = { allowed: 'each bucket once', change: 'remove one of the two' };

export function bucketRules({ file }: UnvalidatedFile): Finding[] {
  const buckets = list(file.buckets).map((item) => textOf(mapping(item).name));
  const declared = new Set(buckets);
  const also = list(mapping(file.retire).verifyOnlyBuckets).map(textOf);
  return [
    ...repeated(buckets, (index) => ['buckets', index, 'name'], ONCE),
    ...repeated(also, (index) => ['retire', 'verifyOnlyBuckets', index], ONCE),
    ...also.flatMap((name, index) =>
      name !== undefined && declared.has(name)
        ? [
            {
              at: ['retire', 'verifyOnlyBuckets', index],
              given: `${shownText(name)}, which stands under buckets`,
              allowed: 'buckets that are not declared under buckets: those are always verified',
              change: 'remove it here',
            },
          ]
        : [],
    ),
  ];
}

/** A bucket that the file names for something, and what for. */
interface Named {
  readonly at: FieldPath;
  readonly name: string | undefined;
  readonly use: string;
}

/**
 * The bucket of the jobs and the bucket of the evidence serve nothing else. In one whose objects are re-encrypted or verified a run
 * would work on its own manifests; evidence that is locked could not be cleared away with them; and state must be
 * deletable, which evidence is not. Names are unique across Regions, so a state bucket elsewhere is no other bucket.
 */
export function supportBucketRules({ file }: UnvalidatedFile): Finding[] {
  const jobs: Named = {
    at: ['reencrypt', 'batch', 'bucket'],
    name: textOf(mapping(mapping(file.reencrypt).batch).bucket),
    use: 'the bucket of manifests and reports',
  };
  const evidence: Named = {
    at: ['evidence', 'bucket', 'name'],
    name: textOf(mapping(mapping(file.evidence).bucket).name),
    use: 'the bucket of the evidence',
  };
  const others: readonly Named[] = [
    ...list(file.buckets).map((item, index) => ({
      at: ['buckets', index, 'name'],
      name: textOf(mapping(item).name),
      use: 'a bucket of this rotation',
    })),
    ...list(mapping(file.retire).verifyOnlyBuckets).map((item, index) => ({
      at: ['retire', 'verifyOnlyBuckets', index],
      name: textOf(item),
      use: 'a bucket that is verified',
    })),
    {
      at: ['terraform', 's3', 'bucket'],
      name: textOf(mapping(mapping(file.terraform).s3).bucket),
      use: "the bucket of Terraform's state",
    },
  ];
  return [...shared(jobs, others), ...shared(evidence, [...others, jobs])];
}

function shared(serving: Named, others: readonly Named[]): Finding[] {
  const other = others.find(({ name }) => name !== undefined && name === serving.name);
  if (other?.name === undefined) return [];
  return [
    {
      at: serving.at,
      given: `${shownText(other.name)}, which is ${other.use} too`,
      allowed: `a bucket for this alone, as ${serving.use}`,
      change: 'name another bucket',
    },
  ];
}

/** A job needs its settings, settings need a job, and what `rewrite` by jobs cannot do is said here. */
export function batchRules({ file }: UnvalidatedFile): Finding[] {
  const { engine, batch, method } = mapping(file.reencrypt);
  const jobs = engine === 'batch' || engine === 'auto';
  if (jobs && batch === undefined)
    return [
      {
        at: ['reencrypt', 'batch'],
        given: 'nothing',
        allowed: `a mapping with at least bucket, with engine: ${engine}`,
        change: 'name the bucket of manifests and reports under reencrypt.batch.bucket',
      },
    ];
  if ((engine === undefined || engine === 'local') && batch !== undefined)
    return [
      {
        at: ['reencrypt', 'batch'],
        given: 'settings of jobs that are not used',
        allowed: 'batch only with engine: batch or auto',
        change: 'write engine: batch, or remove batch',
      },
    ];
  return jobs && method === 'rewrite' ? copyRules(mapping(batch)) : [];
}

function copyRules({ noConcurrentWrites, manifest }: ReturnType<typeof mapping>): Finding[] {
  const found: Finding[] = [];
  if (noConcurrentWrites !== true)
    found.push({
      at: ['reencrypt', 'batch', 'noConcurrentWrites'],
      given: 'jobs that copy while others may write',
      allowed: 'true with method: rewrite: a copy by a job has no condition, and can undo a write made meanwhile',
      change: 'pause the writers and write noConcurrentWrites: true, or use method: rewrap',
    });
  if (manifest === 'generated')
    found.push({
      at: ['reencrypt', 'batch', 'manifest'],
      given: '"generated" with method: rewrite',
      allowed:
        'auto or listed: only a listing of our own leaves out what a copy would change, such as storage classes and sizes above 5 GiB',
      change: 'write listed, or use method: rewrap',
    });
  return found;
}
