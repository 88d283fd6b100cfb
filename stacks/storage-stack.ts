import { TerraformOutput, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { type Rotation, stackNames } from '../lib/rotation/rotation';
import { declareAwsProvider } from './aws-provider';
import { declareBackend } from './backend';
import { declareBatchJobs } from './batch-jobs';
import { guardedTarget } from './guard';
import { partitionOf } from './identity';
import { EVIDENCE_ID } from './logical-ids';
import { NoKeyMaterial } from './no-material';
import { refuseOwnStacks } from './own-stack';
import { declareMainAlias } from './rotated-alias';
import { declareRotatedBucket } from './rotated-bucket';
import { SupportBucket } from './support-bucket';

/**
 * `<name>-storage`: the main alias and each bucket's default encryption, on the active version, behind the guard; and
 * the buckets themselves where the file says `manage: bucket`; with an engine that takes jobs, what those need; and
 * the bucket of the evidence, where one is named.
 *
 * It refers to nothing of the keys stack: the active key is looked up when the plan is made. Output `active_key_arn` is
 * what alias and defaults point at.
 */
export class StorageStack extends TerraformStack {
  constructor(scope: Construct, rotation: Rotation) {
    super(scope, stackNames(rotation).storage);
    refuseOwnStacks(rotation);
    declareBackend(this, rotation);
    declareAwsProvider(this, rotation);
    this.node.addValidation(new NoKeyMaterial(this));

    const target = guardedTarget(this, rotation);
    declareMainAlias(this, rotation, target);
    const tags = { ...rotation.tags, 'keyturn:rotation': rotation.name };
    for (const bucket of rotation.buckets) declareRotatedBucket(this, rotation, bucket, target);
    const { engine, batch } = rotation.reencrypt;
    if (engine !== 'local' && batch !== undefined)
      declareBatchJobs(this, rotation, { settings: batch, newKey: target.arn, tags });
    const evidence = rotation.evidence.bucket;
    if (evidence !== undefined)
      new SupportBucket(this, EVIDENCE_ID, {
        bucket: evidence.name,
        partition: partitionOf(this),
        tags,
        retention: evidence.retention,
      });
    new TerraformOutput(this, 'active_key_arn', {
      value: target.arn,
      description: 'ARN of the key that the alias and the bucket defaults point at',
    });
  }
}
