import { createHash, randomBytes } from 'node:crypto';

/** A session policy as it is sent. */
export interface SessionPolicy {
  /** JSON. A session policy allows nothing by itself: the session may do what it allows and the role may. */
  readonly text: string;
  /** SHA-256 of the text, 64 hex digits. */
  readonly sha256: string;
}

/**
 * The policy of a session that reads objects, without any use of one key. Each one is another policy: S3 keeps a bucket key for each
 * requester, and takes a role with another session policy for another requester. So no bucket key of an earlier session answers.
 *
 * @param without - ARN of the key that is denied; absent: none is
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
 */
export function readingPolicy(without?: string): SessionPolicy {
  const actions = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectAnnotation', 'kms:Decrypt', 'kms:DescribeKey'];
  const statements = [
    { Sid: `Read${randomBytes(8).toString('hex')}`, Effect: 'Allow', Action: actions, Resource: '*' },
    ...(without === undefined ? [] : [{ Sid: 'AsIfDisabled', Effect: 'Deny', Action: 'kms:*', Resource: without }]),
  ];
  const text = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  return { text, sha256: createHash('sha256').update(text).digest('hex') };
}
