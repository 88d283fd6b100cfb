import type { AwsResponse } from '../../message';
import { openBucket, speakingS3 } from '../access';
import type { Call } from '../call';
import { s3Fault } from '../fault';
import { isLocked, NULL_VERSION, readableVersion } from '../state/versions';
import { emptyAnswer } from '../wire/answer';
import { proveRequiredBody } from '../wire/integrity';
import { readXml, type XmlElement } from '../wire/xml-reader';

const KEY_ARN = /^arn:aws[a-zA-Z0-9-]*:kms:[a-z0-9-]+:([0-9]{12}):key\/[a-zA-Z0-9-]+$/;

/**
 * UpdateObjectEncryption: the same data key under another KMS key; bytes, ETag, Last-Modified, metadata, tags and
 * storage class stay. Every reason S3 gives for a bad document is `InvalidRequest`.
 */
export function updateObjectEncryption(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveRequiredBody(call);
  const { keyArn, bucketKey } = targetOf(call.request.body);
  const account = KEY_ARN.exec(keyArn)?.[1];
  if (account === undefined) throw s3Fault('InvalidRequest', 'The KMS key ARN provided is malformed.');
  const version = readableVersion(bucket, call.key, call.query.get('versionId'));
  if (account !== bucket.owner) {
    throw s3Fault('AccessDenied', 'The KMS key must belong to the account of the bucket owner.');
  }
  if (isLocked(version, call.now, false)) {
    throw s3Fault('AccessDenied', 'Access Denied because object protected by object lock.');
  }
  const { kind } = version.encryption;
  if (kind !== 'AES256' && kind !== 'aws:kms') {
    throw s3Fault(
      'InvalidRequest',
      `The encryption of objects encrypted with ${kind === 'SSE-C' ? 'SSE-C' : 'DSSE-KMS'} cannot be updated.`,
    );
  }
  const { keyRing, behavior } = call.endpoint;
  if (behavior.nullVersionRewrap === 'refused' && call.query.get('versionId') === NULL_VERSION)
    throw s3Fault('InvalidRequest', 'The encryption of a null version cannot be updated.');
  const isSame = version.encryption.keyArn === keyArn && version.encryption.bucketKey === bucketKey;
  if (behavior.rewrapToSameKey === 'refused' && isSame)
    throw s3Fault('InvalidRequest', 'The object is encrypted with this KMS key already.');
  const place = { bucket: bucket.name, key: call.key };
  version.encryption = speakingS3(call, 'write', () =>
    keyRing.rewrap(version.encryption, place, keyArn, bucketKey, call.request.caller),
  );
  if (behavior.annotationsUnderRewrap === 'moved') {
    const moved = [...(version.annotations ?? [])].map(([name, one]) => {
      const rewrapped = () => keyRing.rewrap(one.encryption, place, keyArn, bucketKey, call.request.caller);
      return [name, { ...one, encryption: speakingS3(call, 'write', rewrapped) }] as const;
    });
    if (moved.length > 0) version.annotations = new Map(moved);
  }
  return emptyAnswer(200);
}

function targetOf(body: Buffer): { readonly keyArn: string; readonly bucketKey: boolean } {
  const root = readXml(body);
  if (root.name !== 'ObjectEncryption') throw s3Fault('MalformedXML');
  const [type, ...more] = root.children;
  if (type === undefined || more.length > 0) {
    throw s3Fault('InvalidRequest', 'Exactly one encryption type must be specified.');
  }
  if (type.name !== 'SSE-KMS') {
    throw s3Fault('InvalidRequest', `The encryption type ${type.name} is not supported: only SSE-KMS is.`);
  }
  const keyArn = onlyText(type, 'KMSKeyArn');
  if (keyArn === undefined) throw s3Fault('InvalidRequest', 'The KMS key ARN is missing.');
  const bucketKey = onlyText(type, 'BucketKeyEnabled') ?? 'false';
  if (bucketKey !== 'true' && bucketKey !== 'false') {
    throw s3Fault('InvalidRequest', 'The value of BucketKeyEnabled must be true or false.');
  }
  if (type.children.some(({ name }) => name !== 'KMSKeyArn' && name !== 'BucketKeyEnabled'))
    throw s3Fault('MalformedXML');
  return { keyArn, bucketKey: bucketKey === 'true' };
}

function onlyText(parent: XmlElement, name: string): string | undefined {
  const [found, ...more] = parent.children.filter((child) => child.name === name);
  if (more.length > 0 || (found !== undefined && found.children.length > 0)) throw s3Fault('MalformedXML');
  return found?.text;
}
