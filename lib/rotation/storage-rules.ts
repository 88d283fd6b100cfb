/** Rules across the buckets of a rotation file and its re-encryption settings. */
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
    ...list(file.buckets).flatMap((item, index) => pinRule(mapping(item), index)),
    ...also.flatMap((name, index) =>
      name !== undefined && declared.has(name)
        ? [
            {
              at: ['retire', 'verifyOnlyBuckets', index],
              given: `${shownText(name)}, which is declared under buckets`,
              allowed: 'only buckets that are not declared under buckets: Keyturn always verifies those',
              change: 'remove it here',
            },
          ]
        : [],
    ),
  ];
}

/** The policy of an adopted bucket is its owner's. */
function pinRule({ manage, pinWriters }: ReturnType<typeof mapping>, index: number): Finding[] {
  if (pinWriters !== true || manage !== 'encryption') return [];
  return [
    {
      at: ['buckets', index, 'pinWriters'],
      given: 'true with manage: encryption',
      allowed: 'true only with manage: bucket: the policy of an adopted bucket is not of this rotation',
      change: 'remove it, and have the owner of the bucket add the statement of docs/gate.md',
    },
  ];
}

/** A bucket that the file names, and its use. */
interface Named {
  readonly at: FieldPath;
  readonly name: string | undefined;
  readonly use: string;
}

/**
 * The support buckets, for jobs and for evidence, have no other use. In a re-encrypted or verified bucket a run would
 * process its own manifests. Locked evidence could not be deleted together with them. Terraform state must be
 * deletable, and evidence is not. Bucket names are unique across Regions, so the rule also covers a state bucket
 * elsewhere.
 */
export function supportBucketRules({ file }: UnvalidatedFile): Finding[] {
  const jobs: Named = {
    at: ['reencrypt', 'batch', 'bucket'],
    name: textOf(mapping(mapping(file.reencrypt).batch).bucket),
    use: 'the bucket for manifests and reports',
  };
  const evidence: Named = {
    at: ['evidence', 'bucket', 'name'],
    name: textOf(mapping(mapping(file.evidence).bucket).name),
    use: 'the evidence bucket',
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
      use: 'the bucket of the Terraform state',
    },
  ];
  return [...shared(jobs, others), ...shared(evidence, [...others, jobs])];
}

function shared(support: Named, others: readonly Named[]): Finding[] {
  const other = others.find(({ name }) => name !== undefined && name === support.name);
  if (other?.name === undefined) return [];
  return [
    {
      at: support.at,
      given: `${shownText(other.name)}, which is also ${other.use}`,
      allowed: `a bucket used only as ${support.use}`,
      change: 'name another bucket',
    },
  ];
}

/** Sources that exclude one another, or that no object of the rotation's buckets can be under. */
export function sourceRules({ file, versions }: UnvalidatedFile): Finding[] {
  const { from, batch } = mapping(file.reencrypt);
  const sources = list(from).map(textOf);
  const at = (index: number): FieldPath => ['reencrypt', 'from', index];
  const adopted = new Set(versions.flatMap(({ keyArn }) => keyArn ?? []));
  const found = repeated(sources, at, { allowed: 'each source once', change: 'remove one of the two' });
  sources.forEach((source, index) => {
    const region = source?.startsWith('arn:') ? source.split(':')[3] : undefined;
    if (region !== undefined && typeof file.region === 'string' && region !== file.region)
      found.push({
        at: at(index),
        given: `a key in ${shownText(region)}`,
        allowed: `a key in the rotation's region ${shownText(file.region)}: S3 uses keys of the bucket's own Region only`,
        change: 'correct the ARN, or remove it',
      });
    if (source !== undefined && adopted.has(source))
      found.push({
        at: at(index),
        given: 'a key that is declared under keyVersions',
        allowed: 'only keys that are no version of this rotation',
        change: 'remove it here',
      });
  });
  if (!sources.includes('any')) return found;
  if (sources.length > 1)
    found.push({
      at: ['reencrypt', 'from'],
      given: 'any together with other sources',
      allowed: 'any alone, or a list without it',
      change: 'remove any, or everything else',
    });
  if (mapping(batch).manifest === 'generated')
    found.push({
      at: ['reencrypt', 'batch', 'manifest'],
      given: '"generated" with from: [any]',
      allowed: 'auto or listed: S3 lists objects by a key that is named',
      change: 'write listed, or name the sources',
    });
  return found;
}

/** A job needs its settings, settings need a job, and `rewrite` by jobs has limits. */
export function batchRules({ file }: UnvalidatedFile): Finding[] {
  const { engine, batch, method } = mapping(file.reencrypt);
  const jobs = engine === 'batch' || engine === 'auto';
  if (jobs && batch === undefined)
    return [
      {
        at: ['reencrypt', 'batch'],
        given: 'nothing',
        allowed: `a mapping with at least bucket, with engine: ${engine}`,
        change: 'name the bucket for manifests and reports under reencrypt.batch.bucket',
      },
    ];
  if ((engine === undefined || engine === 'local') && batch !== undefined)
    return [
      {
        at: ['reencrypt', 'batch'],
        given: 'settings for jobs, but no jobs',
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
      given: 'jobs that copy objects during concurrent writes',
      allowed: 'true with method: rewrite: a copy by a job is unconditional and can overwrite a concurrent write',
      change: 'pause all writers and set noConcurrentWrites: true, or use method: rewrap',
    });
  if (manifest === 'generated')
    found.push({
      at: ['reencrypt', 'batch', 'manifest'],
      given: '"generated" with method: rewrite',
      allowed:
        'auto or listed: only the listing of Keyturn excludes objects that a copy would change, such as other storage classes or objects above 5 GiB',
      change: 'write listed, or use method: rewrap',
    });
  return found;
}
