/** What of a rotation decides whether a permission is needed. */
import type { Rotation } from '../rotation/rotation';

export const owns = ({ buckets, reencrypt, evidence }: Rotation) =>
  [...buckets, reencrypt.batch].some((bucket) => bucket?.manage === 'bucket') || evidence.bucket !== undefined;
export const adopts = (rotation: Rotation) => rotation.buckets.some(({ manage }) => manage === 'encryption');
export const looksElsewhere = ({ retire }: Rotation) => retire.verifyOnlyBuckets.length > 0;
export const namesManagedKey = ({ reencrypt }: Rotation) => reencrypt.from.includes('aws/s3');
export const namesKeys = ({ reencrypt }: Rotation) =>
  reencrypt.from.some((one) => one === 'any' || one.startsWith('arn:'));
export const hasJobs = ({ reencrypt }: Rotation) => reencrypt.engine !== 'local';
export const rehearses = ({ retire }: Rotation) => retire.rehearseAs !== undefined;
export const pins = ({ buckets }: Rotation) => buckets.some(({ pinWriters }) => pinWriters === true);
export const inPlace = ({ strategy }: Rotation) => strategy === 'in-place';
export const moves = ({ strategy }: Rotation) => strategy === 'new-key';
export const rewraps = (rotation: Rotation) => moves(rotation) && rotation.reencrypt.method === 'rewrap';
export const rewrites = (rotation: Rotation) => moves(rotation) && rotation.reencrypt.method === 'rewrite';
export const keepsStateInS3 = ({ terraform }: Rotation) => terraform.backend === 's3';
export const hasStateKey = ({ terraform }: Rotation) =>
  terraform.backend === 's3' && terraform.s3.kmsKeyId !== undefined;
export const hasAlarms = ({ expiry }: Rotation) => expiry.alarmTopicArn !== undefined;
