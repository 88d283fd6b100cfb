import { KeyturnError } from '../errors';
import type { Diagnostic } from './diagnostics';

/** S3 operations whose IAM action has another name. */
const S3_ACTIONS: Readonly<Record<string, string>> = {
  DeleteBucketEncryption: 's3:PutEncryptionConfiguration',
  DeletePublicAccessBlock: 's3:PutBucketPublicAccessBlock',
  GetBucketAccelerateConfiguration: 's3:GetAccelerateConfiguration',
  GetBucketCors: 's3:GetBucketCORS',
  GetBucketEncryption: 's3:GetEncryptionConfiguration',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
  GetBucketReplication: 's3:GetReplicationConfiguration',
  GetObjectLockConfiguration: 's3:GetBucketObjectLockConfiguration',
  GetPublicAccessBlock: 's3:GetBucketPublicAccessBlock',
  HeadBucket: 's3:ListBucket',
  HeadObject: 's3:GetObject',
  ListObjectsV2: 's3:ListBucket',
  PutBucketEncryption: 's3:PutEncryptionConfiguration',
  PutPublicAccessBlock: 's3:PutBucketPublicAccessBlock',
};

/** The name for an unknown call. */
const PROVIDER = "Terraform's AWS provider";

/** `operation error KMS: CreateKey, https response error StatusCode: 400, RequestID: …, api error X: words`. */
const OPERATION = /operation error (\w[\w ]*): (\w+),/;
const API_ERROR =
  /(?:api error )?\b((?:[A-Z]\w*)?(?:Exception|Denied|Forbidden|Token|Id|Match|Skewed|Signature|Client)): ([^\n]*)/;
const UNREACHABLE =
  /(?:dial tcp[^\n]*|connection refused|connection reset by peer|no such host|i\/o timeout|TLS handshake timeout|request send failed[^\n]*)/;

/** S3 answers HEAD requests without a body: then the SDK calls the refusal Forbidden. */
const DENIED = new Set(['AccessDenied', 'AccessDeniedException', 'Forbidden']);
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException']);
const REJECTED = new Set([
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);

/** Recognizes errors of AWS and of the connection to it; undefined for any other failure. */
export function asAwsFailure(diagnostics: readonly Diagnostic[]): KeyturnError | undefined {
  for (const { summary, detail, address } of diagnostics) {
    const text = [summary, detail].filter((part) => part !== '').join('\n');
    const found = fromText(text, address ?? '*');
    if (found) return found;
  }
  return undefined;
}

function fromText(text: string, address: string): KeyturnError | undefined {
  const action = actionOf(text);
  const [, awsCode = '', awsMessage = ''] = API_ERROR.exec(text) ?? [];
  const requestId = /RequestID: ([\w-]+)/.exec(text)?.[1];
  if (DENIED.has(awsCode)) {
    const resource = /on resource: (\S+)/.exec(text)?.[1] ?? stateObject(text) ?? address;
    return new KeyturnError('aws-access-denied', { action, resource, awsMessage, requestId });
  }
  if (EXPIRED.has(awsCode)) return new KeyturnError('aws-credentials-expired', { action, reason: awsMessage });
  if (REJECTED.has(awsCode)) return new KeyturnError('aws-credentials-rejected', { action, awsCode, awsMessage });
  if (awsCode === 'RequestTimeTooSkewed') return new KeyturnError('aws-clock-skew', { action, awsMessage });
  if (/No valid credential sources found|failed to refresh cached credentials/.test(text)) {
    return new KeyturnError('aws-credentials-missing', { action: PROVIDER, reason: firstLine(text) });
  }
  const [reason] = UNREACHABLE.exec(text) ?? [];
  if (reason === undefined) return undefined;
  const url = /"(https?:\/\/[^/"]+)/.exec(text)?.[1] ?? 'the AWS endpoint';
  return new KeyturnError('aws-endpoint-unreachable', { action, url, reason });
}

/** The object of the state, as the S3 backend names it. */
function stateObject(text: string): string | undefined {
  const [, key, bucket] = /object \\?"([^"\\]+)\\?" in S3 bucket \\?"([^"\\]+)\\?"/.exec(text) ?? [];
  return bucket === undefined ? undefined : `${bucket}/${key}`;
}

/** The action in AWS's error, otherwise the one that the operation needs, otherwise `*`. */
function actionOf(text: string): string {
  const [, named] = /not authorized to perform: ([a-z0-9-]+:\w+)/i.exec(text) ?? [];
  if (named !== undefined) return named;
  const [, service, operation] = OPERATION.exec(text) ?? [];
  if (service === undefined || operation === undefined) return PROVIDER;
  return service === 'S3' ? (S3_ACTIONS[operation] ?? `s3:${operation}`) : `${service.toLowerCase()}:${operation}`;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
