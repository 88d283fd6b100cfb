/** The form of a service's principal. */
export const SERVICE_PRINCIPAL = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$/;

/** How an AWS service uses the key of a bucket, as the page of that service asks for it. */
export interface KeyService {
  readonly actions: readonly string[];
  /**
   * What the service sends along, for the statement to demand: the account it acts for, the ARN it acts for. Without one
   * of them, the service would use the key for whoever asks it.
   */
  readonly conditions: readonly ('account' | 'arn')[];
}

/** Services that read or write objects under the bucket's key by their own principal, not by a role of the account. */
export const KEY_SERVICES: Readonly<Record<string, KeyService>> = {
  // https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
  'cloudtrail.amazonaws.com': {
    actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey*'],
    conditions: ['arn'],
  },
  // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
  'cloudfront.amazonaws.com': {
    actions: ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey*'],
    conditions: ['arn'],
  },
  // https://docs.aws.amazon.com/config/latest/developerguide/s3-kms-key-policy.html
  'config.amazonaws.com': { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], conditions: ['account'] },
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html
  'delivery.logs.amazonaws.com': {
    actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
    conditions: ['account', 'arn'],
  },
  // https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_exportfindings.html
  'guardduty.amazonaws.com': { actions: ['kms:GenerateDataKey'], conditions: ['account', 'arn'] },
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-tables-kms-permissions.html
  'metadata.s3.amazonaws.com': { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], conditions: ['account'] },
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html
  's3.amazonaws.com': { actions: ['kms:GenerateDataKey'], conditions: ['account', 'arn'] },
};

/** A service that the table does not hold reads and writes objects, for the account and the ARNs that the file names. */
const OTHER: KeyService = { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], conditions: ['account', 'arn'] };

/** How a service uses the key; what {@link KEY_SERVICES} does not hold is bound by account and ARN. */
export function keyService(principal: string): KeyService {
  return Object.hasOwn(KEY_SERVICES, principal) ? (KEY_SERVICES[principal] ?? OTHER) : OTHER;
}
