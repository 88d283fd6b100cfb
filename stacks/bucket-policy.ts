export interface BucketPolicyInput {
  readonly bucket: string;
  /** `aws`, `aws-cn`, `aws-us-gov`, …, or a Terraform reference to it. */
  readonly partition: string;
  /** ARN of the only key that a writer may name, or a reference to it. Absent: writers may name any. */
  readonly pinnedTo?: string | undefined;
}

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Deny';
  readonly Principal: '*';
  readonly Action: string;
  readonly Resource: string | readonly string[];
  readonly Condition: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface BucketPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly [Statement, ...Statement[]];
}

const KEY_ID = 's3:x-amz-server-side-encryption-aws-kms-key-id';

/**
 * The policy of a bucket that the storage stack owns: it denies requests without TLS, and with `pinnedTo` every write that names another
 * key.
 *
 * `s3:PutObject` is the action of PutObject, CopyObject, CreateMultipartUpload and UploadPart. A request that names no key takes the
 * bucket's default, and a negated operator also holds for what is missing: hence `Null`. AWS compares the full ARN, and does not say
 * what it makes of an alias or a bare id; one that names the active key may be denied, one that names another key always is.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms
 */
export function bucketPolicy({ bucket, partition, pinnedTo }: BucketPolicyInput): BucketPolicy {
  const arn = `arn:${partition}:s3:::${bucket}`;
  const withoutTls: Statement = {
    Sid: 'DenyWithoutTls',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };
  return {
    Version: '2012-10-17',
    Statement: pinnedTo === undefined ? [withoutTls] : [withoutTls, pin(arn, pinnedTo)],
  };
}

function pin(bucketArn: string, keyArn: string): Statement {
  return {
    Sid: 'PinWriters',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    Resource: `${bucketArn}/*`,
    Condition: { Null: { [KEY_ID]: 'false' }, StringNotEquals: { [KEY_ID]: keyArn } },
  };
}
