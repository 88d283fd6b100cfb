import type { AwsRequest } from './message';
import type { AccessConditions } from './need';

/** Condition keys of S3 that stand for a header of the request, as it was sent. */
const HEADERS = [
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-acl',
  'x-amz-storage-class',
  'x-amz-copy-source',
] as const;
const KEY_ID = 'x-amz-server-side-encryption-aws-kms-key-id';

/**
 * The values of S3's condition keys for a request. A header that is not sent gives no value, also where the bucket's default
 * takes its place. Whether AWS compares a key id or an alias as it was sent is not documented; here it does.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
 */
export function s3ConditionsOf({ headers, query, body, region }: AwsRequest): AccessConditions {
  // A presigned URL carries headers in its query.
  const inQuery = new Map([...query].map(([name, value]) => [name.toLowerCase(), value]));
  const sent = HEADERS.flatMap((name) => {
    const value = headers[name] ?? inQuery.get(name);
    return value === undefined ? [] : [[`s3:${name}`, value] as const];
  });
  const target = query.has('encryption')
    ? /<KMSKeyArn>([^<]+)<\/KMSKeyArn>/.exec(body.toString('utf8'))?.[1]
    : undefined;
  const named = target === undefined ? [] : [[`s3:${KEY_ID}`, target] as const];
  const version = query.get('versionId');
  const asked = version === undefined ? [] : [['s3:VersionId', version] as const];
  return { context: { 'aws:RequestedRegion': region, ...Object.fromEntries([...sent, ...named, ...asked]) } };
}
