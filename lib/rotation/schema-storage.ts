/** The parts of a rotation file about buckets that serve it: those of the jobs, and those of the evidence. */
import { z } from 'zod';
import { field, LIMITS } from './field-messages';
import { BUCKET_NAME, BUCKET_WORDS } from './schema-parts';

export const batch = z.strictObject({
  bucket: field(
    z.string().regex(BUCKET_NAME),
    "Bucket of the jobs' manifests and reports, in the rotation's Region.",
    ...BUCKET_WORDS,
  ),
  manage: field(
    z.enum(['bucket', 'existing']).default('bucket'),
    'bucket: create and own it. existing: it is there already, and only used.',
    'bucket or existing',
    'write bucket to create it, existing to use one that is there',
  ),
  fromVersions: field(
    z.int().min(LIMITS.fromVersions.min).max(LIMITS.fromVersions.max).default(10_000_000),
    'Object versions of a bucket from which on engine: auto takes S3 Batch Operations.',
    `a whole number from ${LIMITS.fromVersions.min} to ${LIMITS.fromVersions.max}`,
  ),
  manifest: field(
    z.enum(['auto', 'generated', 'listed']).default('auto'),
    'generated: S3 lists what is under the old keys. listed: a listing of our own, with version ids. auto: generated for buckets without versions.',
    'auto, generated or listed',
  ),
  verify: field(
    z.enum(['heads', 'manifest']).default('heads'),
    'heads: look at every object version. manifest: at those that a manifest made by S3 leaves open, and a sample.',
    'heads or manifest',
    'write heads, or manifest after reading docs/scale.md',
  ),
  priority: field(
    z.int().min(0).max(LIMITS.jobPriority).default(10),
    'Priority of the jobs; higher goes first.',
    `a whole number from 0 to ${LIMITS.jobPriority}`,
  ),
  noConcurrentWrites: field(
    z.boolean().default(false),
    'True declares that nobody writes while jobs copy objects: a copy by a job can undo a write made meanwhile.',
    'true or false',
    'write true or false without quotes',
  ),
});

export const evidenceBucket = z.strictObject({
  name: field(
    z.string().regex(BUCKET_NAME),
    'Bucket with object lock that the storage stack creates, and where the evidence of each run is put.',
    ...BUCKET_WORDS,
  ),
  retention: z
    .strictObject({
      mode: field(
        z.enum(['GOVERNANCE', 'COMPLIANCE']).default('GOVERNANCE'),
        'GOVERNANCE: who may bypass can delete. COMPLIANCE: nobody can, the account root included, until the days are over.',
        'GOVERNANCE or COMPLIANCE',
      ),
      days: field(
        z.int().min(LIMITS.retentionDays.min).max(LIMITS.retentionDays.max).default(365),
        'Days that each file is kept from deletion.',
        `a whole number from ${LIMITS.retentionDays.min} to ${LIMITS.retentionDays.max}`,
      ),
    })
    .prefault({})
    .describe('How long, and how strictly, the evidence is kept.'),
});
