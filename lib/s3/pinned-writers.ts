import { GetBucketPolicyCommand, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { awsCodeOf, called } from '../aws/failures';
import { isCode } from '../errors';

/** Whether a bucket's policy denies writes that name another key than one. */
export type Pinned = { readonly inForce: true } | { readonly inForce: false; readonly because: string };

/** A bucket and the key that its writers are to be pinned to. */
export interface PinAsked {
  readonly bucket: string;
  /** 12 digits: the owner of the bucket. */
  readonly account: string;
  /** Full ARN. */
  readonly keyArn: string;
}

/**
 * Reads a bucket's policy and looks for the statement that pins its writers. One that differs in anything but its name counts for none,
 * and so does a policy that could not be read for lack of a permission.
 *
 * @throws KeyturnError as {@link called}, but for a denial and a bucket without a policy
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html
 */
export async function pinnedWriters(s3: S3Client, { bucket, account, keyArn }: PinAsked): Promise<Pinned> {
  const command = new GetBucketPolicyCommand({ Bucket: bucket, ExpectedBucketOwner: account });
  try {
    const { Policy = '' } = await called('s3:GetBucketPolicy', `arn:aws:s3:::${bucket}`, () => s3.send(command));
    return isPinned(Policy, bucket, keyArn)
      ? { inForce: true }
      : { inForce: false, because: `the policy of ${bucket} does not pin its writers to ${keyArn}` };
  } catch (error) {
    if (awsCodeOf(error) === 'NoSuchBucketPolicy') return { inForce: false, because: `${bucket} has no policy` };
    if (isCode(error, 'aws-access-denied')) {
      return { inForce: false, because: `s3:GetBucketPolicy is denied on ${bucket}, so its policy is not known` };
    }
    throw error;
  }
}

const KEY_ID = 's3:x-amz-server-side-encryption-aws-kms-key-id';
const one = (value: z.ZodType) => z.union([value, z.tuple([value])]);
const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const POLICY = z.object({ Statement: z.union([z.array(z.unknown()), z.unknown().transform((value) => [value])]) });

/** The statement as the storage stack writes it, and as S3 may write it: a single value as a list of one. */
const pinOf = (bucket: string, keyArn: string) =>
  z.strictObject({
    Sid: z.string().optional(),
    Effect: z.literal('Deny'),
    Principal: z.union([z.literal('*'), z.strictObject({ AWS: one(z.literal('*')) })]),
    Action: texts.refine((actions) => actions.some((action) => action === 's3:PutObject')),
    Resource: texts.refine((arns) =>
      arns.some((arn) => /^arn:aws[a-z-]*:s3:::/.test(arn) && arn.endsWith(`:::${bucket}/*`)),
    ),
    Condition: z.strictObject({
      Null: z.strictObject({ [KEY_ID]: one(z.union([z.literal('false'), z.literal(false)])) }),
      StringNotEquals: z.strictObject({ [KEY_ID]: one(z.literal(keyArn)) }),
    }),
  });

function isPinned(policy: string, bucket: string, keyArn: string): boolean {
  let document: unknown;
  try {
    document = JSON.parse(policy);
  } catch {
    return false;
  }
  const pin = pinOf(bucket, keyArn);
  return POLICY.safeParse(document).data?.Statement.some((statement) => pin.safeParse(statement).success) ?? false;
}
