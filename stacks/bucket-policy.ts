export interface BucketPolicyInput {
  readonly bucket: string;
  /** `aws`, `aws-cn`, `aws-us-gov`, …, or a Terraform reference to it. */
  readonly partition: string;
}

export interface BucketPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly [
    {
      readonly Sid: 'DenyWithoutTls';
      readonly Effect: 'Deny';
      readonly Principal: '*';
      readonly Action: 's3:*';
      readonly Resource: readonly [string, string];
      readonly Condition: { readonly Bool: { readonly 'aws:SecureTransport': 'false' } };
    },
  ];
}

/**
 * The policy of a bucket that the storage stack owns: it denies requests without TLS.
 *
 * It pins no key ARN: a policy that names the old key makes writes fail after the switch.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
 */
export function bucketPolicy({ bucket, partition }: BucketPolicyInput): BucketPolicy {
  const arn = `arn:${partition}:s3:::${bucket}`;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'DenyWithoutTls',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  };
}
