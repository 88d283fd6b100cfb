import { Document } from 'yaml';
import type { Rotation } from '../lib/rotation/rotation';
import type { Stage } from './stage';

/** What the rehearsed file is made from. */
type Rehearsed = Pick<Stage, 'sample' | 'custody' | 'engine'>;

/** The bucket of the rehearsal that nobody manages: an object is left there on purpose. */
export function leftBehindBucket(rotation: Rotation): string {
  return `${rotation.name}-left-behind`;
}

/** The bucket of manifests and reports, where the rehearsal moves objects by jobs. */
export function jobsBucket(rotation: Rotation): string {
  return `${rotation.name}-jobs`;
}

/**
 * The file that the rehearsal starts from: the names, buckets and choices of the given rotation, at its first key
 * version, rewrapped by the engine that is rehearsed, with the rehearsal's own custody and state on this machine.
 */
export function rehearsedFile({ sample: rotation, custody, engine }: Rehearsed): string {
  const document = new Document({
    name: rotation.name,
    region: rotation.region,
    ...(rotation.account ? { account: rotation.account } : {}),
    alias: rotation.alias,
    keyVersions: [{ name: 'v1' }],
    activeVersion: 'v1',
    buckets: rotation.buckets.map(({ name, manage, bucketKey }) => ({ name, manage, bucketKey })),
    keyPolicy: rotation.keyPolicy,
    deletionWindowDays: rotation.deletionWindowDays,
    tags: rotation.tags,
    custody,
    reencrypt:
      engine === 'batch' ? { method: 'rewrap', engine, batch: { bucket: jobsBucket(rotation) } } : { method: 'rewrap' },
    retire: { verifyOnlyBuckets: [leftBehindBucket(rotation)] },
    terraform: { backend: 'local' },
  });
  document.commentBefore = ' The rotation of this rehearsal, as a person would write it.';
  return document.toString();
}

/** The same file once the operator gives up on the bucket that holds the gate closed. */
export function withoutLeftBehind(text: string, rotation: Rotation): string {
  const line = new RegExp(`^\\s+- ${leftBehindBucket(rotation)}\\n`, 'm');
  if (!line.test(text)) throw new Error('the rehearsed file does not list the bucket that was left behind');
  return text.replace(line, '').replace('verifyOnlyBuckets:\n', 'verifyOnlyBuckets: []\n');
}
