import { Document, isSeq, parseDocument } from 'yaml';
import type { Rotation } from '../lib/rotation/rotation';
import type { Stage } from './stage';

/** Input of the rehearsed file. */
type Rehearsed = Pick<Stage, 'sample' | 'custody' | 'engine' | 'readers' | 'guests'>;

/** The unmanaged bucket of the rehearsal: an object is left there on purpose. */
export function leftBehindBucket(rotation: Rotation): string {
  return `${rotation.name}-left-behind`;
}

/** The bucket for manifests and reports, if the rehearsal uses jobs. */
export function jobsBucket(rotation: Rotation): string {
  return `${rotation.name}-jobs`;
}

/**
 * The initial rotation file of the rehearsal: the names, buckets and settings of the given rotation with its first
 * key version, the rehearsed engine with method rewrap, and the rehearsal's own custody and local state.
 */
export function rehearsedFile({ sample: rotation, custody, engine, readers, guests }: Rehearsed): string {
  const document = new Document({
    name: rotation.name,
    region: rotation.region,
    ...(rotation.account ? { account: rotation.account } : {}),
    alias: rotation.alias,
    keyVersions: [{ name: 'v1' }],
    activeVersion: 'v1',
    buckets: rotation.buckets.map(({ name, manage, bucketKey, pinWriters }) => ({
      name,
      manage,
      bucketKey,
      ...(pinWriters ? { pinWriters } : {}),
    })),
    // An act shows what this service loses.
    keyPolicy: {
      ...rotation.keyPolicy,
      services: rotation.keyPolicy.services.filter(({ service }) => service !== guests.delivery.service),
    },
    deletionWindowDays: rotation.deletionWindowDays,
    tags: rotation.tags,
    custody,
    reencrypt:
      engine === 'batch' ? { method: 'rewrap', engine, batch: { bucket: jobsBucket(rotation) } } : { method: 'rewrap' },
    retire: {
      verifyOnlyBuckets: [leftBehindBucket(rotation)],
      ...(readers === undefined ? {} : { rehearseAs: readers }),
    },
    terraform: { awsProvider: rotation.terraform.awsProvider, backend: 'local' },
  });
  document.commentBefore = ' The rotation of this rehearsal, as a person would write it.';
  return document.toString();
}

/** The same file after the operator named the guests of v1. Who names one user of the keys names them all. */
export function withGuests(text: string, { guests, readers }: Rehearsed, own: string): string {
  const document = parseDocument(text);
  const { reader, partner, delivery } = guests;
  const users = [own, reader, partner.arn, ...(readers === undefined ? [] : [readers])];
  const already = list(document.getIn(['keyPolicy', 'users']));
  for (const user of users) if (!already.has(user)) document.addIn(['keyPolicy', 'users'], user);
  const service = { service: delivery.service, sourceArns: [delivery.sourceArn] };
  document.addIn(['keyPolicy', 'services'], document.createNode(service));
  return document.toString();
}

/** The texts of a list in YAML. */
const list = (node: unknown): ReadonlySet<unknown> => new Set(isSeq(node) ? (node.toJSON() as readonly unknown[]) : []);

/** Days for which the operator of the rehearsal gives the bucket up. */
const WAIVED_DAYS = 30;

/**
 * The same file after the operator removed the bucket that holds the gate closed, and waived it: without the waiver the gate still asks
 * for it.
 */
export function withoutLeftBehind(text: string, rotation: Rotation): string {
  const line = new RegExp(`^\\s+- ${leftBehindBucket(rotation)}\\n`, 'm');
  if (!line.test(text)) throw new Error('the rehearsed file does not list the bucket with the remaining object');
  const until = new Date(Date.now() + WAIVED_DAYS * 86_400_000).toISOString().slice(0, 10);
  const waiver = `{ what: dropped-bucket, of: ${leftBehindBucket(rotation)}, reason: "its object is given up, as the rehearsal shows", until: ${until} }`;
  return text.replace(line, '').replace('verifyOnlyBuckets:\n', `verifyOnlyBuckets: []\n  waivers: [${waiver}]\n`);
}
