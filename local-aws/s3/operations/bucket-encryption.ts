import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { s3Fault } from '../fault';
import { type EncryptionRule, NEW_BUCKET_ENCRYPTION } from '../state/bucket';
import { emptyAnswer, xmlAnswer } from '../wire/answer';
import { proveRequiredBody } from '../wire/integrity';
import { bool, many, maybe, one, oneOf, readBody, shape, text } from '../wire/xml-shape';
import { branch, leaf, xmlDocument } from '../wire/xml-writer';

const configuration = shape({
  Rule: many(
    shape({
      ApplyServerSideEncryptionByDefault: maybe(
        shape({ SSEAlgorithm: one(oneOf('AES256', 'aws:kms', 'aws:kms:dsse')), KMSMasterKeyID: maybe(text) }),
      ),
      BucketKeyEnabled: maybe(bool),
      BlockedEncryptionTypes: maybe(shape({ EncryptionType: many(oneOf('NONE', 'SSE-C')) })),
    }),
  ),
});

/**
 * PutBucketEncryption: replaces the whole rule. What it leaves out is off afterwards: BucketKeyEnabled, and the block
 * of SSE-C too unless `blockedTypesOnPut` keeps it. The key is not checked, as on AWS: a typo fails the next write.
 */
export function putBucketEncryption(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveRequiredBody(call);
  const [rule, ...more] = readBody(call.request.body, 'ServerSideEncryptionConfiguration', configuration).Rule;
  if (rule === undefined || more.length > 0) throw s3Fault('MalformedXML');
  const chosen = rule.ApplyServerSideEncryptionByDefault;
  const keyId = chosen?.KMSMasterKeyID === '' ? undefined : chosen?.KMSMasterKeyID;
  const algorithm = chosen?.SSEAlgorithm ?? 'AES256';
  if (keyId !== undefined && algorithm === 'AES256') {
    throw s3Fault(
      'InvalidArgument',
      'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
    );
  }
  const { blockedTypesOnPut } = call.endpoint.behavior;
  bucket.encryption = {
    algorithm,
    keyId,
    bucketKey: rule.BucketKeyEnabled ?? false,
    blocked:
      rule.BlockedEncryptionTypes?.EncryptionType ?? (blockedTypesOnPut === 'kept' ? bucket.encryption.blocked : []),
  };
  bucket.encryptionWasPut = true;
  return emptyAnswer(200);
}

/** GetBucketEncryption: always a rule, since every bucket has a default. */
export function getBucketEncryption(call: Call): AwsResponse {
  return xmlAnswer(xmlDocument('ServerSideEncryptionConfiguration', ruleXml(openBucket(call).encryption)));
}

/** DeleteBucketEncryption: back to SSE-S3. */
export function deleteBucketEncryption(call: Call): AwsResponse {
  const bucket = openBucket(call);
  bucket.encryption = { ...NEW_BUCKET_ENCRYPTION, blocked: bucket.encryption.blocked };
  bucket.encryptionWasPut = false;
  return emptyAnswer(204);
}

function ruleXml(rule: EncryptionRule): string {
  const types = rule.blocked.length === 0 ? ['NONE'] : rule.blocked;
  const blocked = types.map((type) => leaf('EncryptionType', type));
  return branch(
    'Rule',
    branch(
      'ApplyServerSideEncryptionByDefault',
      leaf('SSEAlgorithm', rule.algorithm),
      leaf('KMSMasterKeyID', rule.keyId),
    ),
    leaf('BucketKeyEnabled', rule.bucketKey),
    branch('BlockedEncryptionTypes', ...blocked),
  );
}
