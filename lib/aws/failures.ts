import { isCode, KeyturnError } from '../errors';
import { endpointOf } from './endpoint-of';
import { profileOf } from './profile-of';
import { UNTRUSTED_CERTIFICATE } from './untrusted-certificate';

/** The used parts of an SDK error, an SDK network error, or an error of the direct S3 client. */
interface AwsError {
  readonly name?: string;
  readonly Code?: string;
  readonly code?: string;
  readonly message?: string;
  readonly Region?: string;
  readonly RequestId?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

interface Failure {
  /** IAM action, for example `kms:DescribeKey`. */
  readonly action: string;
  /** ARN or name of the resource of the call; `*` if it has none. */
  readonly resource: string;
  readonly error: unknown;
  readonly awsCode: string;
  readonly awsMessage: string;
  readonly requestId: string | undefined;
}

const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AllAccessDisabled',
  'Forbidden',
  'UnauthorizedOperation',
]);
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);
const SKEWED = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture']);
const REJECTED = new Set([
  'IncompleteSignature',
  'IncompleteSignatureException',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'InvalidToken',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const THROTTLED = new Set([
  'RequestLimitExceeded',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
]);
const REDIRECTED = new Set(['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException', 'PermanentRedirect']);
const NETWORK = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'EPROTO',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);
/**
 * Every AWS call goes through here.
 *
 * @param action - the required IAM action, `kms:DescribeKey`; shown if access is denied
 * @param resource - ARN or name of the resource; `*` if the call has none
 * @throws KeyturnError `aws-access-denied`, `aws-credentials-missing|expired|rejected`, `aws-endpoint-unreachable`, `aws-tls-untrusted`,
 * `aws-wrong-region`, `aws-clock-skew`, `aws-throttled`, `interrupted`, otherwise `aws-failed` with AWS's own code
 */
export async function called<T>(action: string, resource: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw asFailure(action, resource, error);
  }
}

/** The KeyturnError for the failure of an AWS call. A KeyturnError is returned unchanged. */
export function asFailure(action: string, resource: string, error: unknown): KeyturnError {
  if (error instanceof KeyturnError) return error;
  const failure = describe(action, resource, error);
  return (
    interruption(failure) ??
    misconfigured(failure) ??
    unreadable(failure) ??
    unreachable(failure) ??
    misdirected(failure) ??
    credentials(failure) ??
    denied(failure) ??
    throttled(failure) ??
    new KeyturnError('aws-failed', factsOf(failure), error)
  );
}

/** AWS's own error code inside a mapped failure, `NotFoundException` for example; undefined for anything else. */
export function awsCodeOf(error: unknown): string | undefined {
  if (isCode(error, 'aws-failed') || isCode(error, 'aws-throttled')) return error.facts.awsCode;
  return undefined;
}

function describe(action: string, resource: string, error: unknown): Failure {
  const from = (typeof error === 'object' && error !== null ? error : {}) as AwsError;
  const status = from.$metadata?.httpStatusCode;
  const unnamed = from.name === undefined || ['Error', 'Unknown', 'UnknownError'].includes(from.name);
  return {
    action,
    resource,
    error,
    awsCode: from.Code ?? (unnamed ? (from.code ?? statusName(status)) : (from.name ?? 'Unknown')),
    awsMessage: from.message || from.name || String(error),
    requestId: from.$metadata?.requestId ?? from.RequestId,
  };
}

/** HEAD responses have no body, so only the status distinguishes errors. */
function statusName(status: number | undefined): string {
  if (status === 403) return 'Forbidden';
  if (status === 301) return 'PermanentRedirect';
  return status === undefined ? 'Unknown' : `HTTP ${status}`;
}

function factsOf({ action, resource, awsCode, awsMessage, requestId }: Failure) {
  return { action, resource, awsCode, awsMessage, requestId };
}

function interruption({ error, action }: Failure): KeyturnError | undefined {
  const aborted = (error as AwsError | undefined)?.name === 'AbortError';
  return aborted ? new KeyturnError('interrupted', { during: action }, error) : undefined;
}

/** What the SDK says of settings that contradict each other, and of an address that is no URL. */
function misconfigured({ error, action, awsCode, awsMessage }: Failure): KeyturnError | undefined {
  const special = /fips/i.test(awsMessage) ? 'FIPS' : /dual-?stack/i.test(awsMessage) ? 'DUALSTACK' : undefined;
  if (awsCode === 'EndpointError' && special !== undefined) {
    const fix = `unset AWS_USE_${special}_ENDPOINT (or use_${special.toLowerCase()}_endpoint of the profile), or AWS_ENDPOINT_URL (or endpoint_url): only one of the two can be set`;
    return new KeyturnError('aws-endpoint-invalid', { where: action, reason: awsMessage, fix }, error);
  }
  const noUrl = (error as AwsError | undefined)?.code === 'ERR_INVALID_URL' || /not a valid URI/.test(awsMessage);
  if (!noUrl) return undefined;
  const fix =
    'write AWS_ENDPOINT_URL, or endpoint_url of the profile, with its scheme: https://host or http://127.0.0.1:port';
  return new KeyturnError('aws-endpoint-invalid', { where: action, reason: awsMessage, fix }, error);
}

/** A file that the credentials come from, such as the token of a web identity. */
function unreadable({ error, action, awsCode, awsMessage }: Failure): KeyturnError | undefined {
  const { syscall, path: file } = error as NodeJS.ErrnoException;
  if (syscall !== 'open' || file === undefined || !['ENOENT', 'EACCES', 'EISDIR'].includes(awsCode)) return undefined;
  return new KeyturnError('aws-credentials-missing', { action, reason: awsMessage, file }, error);
}

/** Every transport failure, including TLS, is an error of the endpoint; the SDK path saved its URL. */
function unreachable({ error, action, awsCode, awsMessage }: Failure): KeyturnError | undefined {
  const from = error as AwsError | undefined;
  if (from?.$metadata?.httpStatusCode !== undefined) return undefined;
  const code = from?.code ?? awsCode;
  const route = endpointOf(error);
  if (route === undefined && !NETWORK.has(code) && !UNTRUSTED_CERTIFICATE.has(code)) return undefined;
  const reason = awsMessage.includes(code) ? awsMessage : `${code}: ${awsMessage}`;
  const { url = 'the AWS endpoint', proxy } = route ?? {};
  if (UNTRUSTED_CERTIFICATE.has(code))
    return new KeyturnError('aws-tls-untrusted', { action, url, reason, bundle: route?.bundle }, error);
  return new KeyturnError('aws-endpoint-unreachable', { action, url, reason, proxy }, error);
}

function misdirected({ error, action, awsCode, awsMessage }: Failure): KeyturnError | undefined {
  const unscoped = REJECTED.has(awsCode) && /credential should be scoped to a valid region/i.test(awsMessage);
  if (!unscoped && !REDIRECTED.has(awsCode)) return undefined;
  const from = error as AwsError;
  const match = /region '([a-z0-9-]+)' is wrong; expecting '([a-z0-9-]+)'/.exec(awsMessage);
  const given = match?.[1] ?? /not '([a-z0-9-]+)'/.exec(awsMessage)?.[1];
  const expected = match?.[2] ?? from.Region ?? from.$response?.headers?.['x-amz-bucket-region'];
  if (awsCode === 'AuthorizationHeaderMalformed' && expected === undefined) return undefined;
  return new KeyturnError('aws-wrong-region', { action, given, expected, awsMessage }, error);
}

function credentials({ error, action, awsCode, awsMessage }: Failure): KeyturnError | undefined {
  const reason = awsMessage;
  if (awsCode === 'CredentialsProviderError' || awsCode === 'TokenProviderError') {
    if (/expired/i.test(reason)) return new KeyturnError('aws-credentials-expired', { action, reason }, error);
    return new KeyturnError('aws-credentials-missing', { action, reason, profile: profileOf(error) }, error);
  }
  if (EXPIRED.has(awsCode)) return new KeyturnError('aws-credentials-expired', { action, reason }, error);
  const skewed = REJECTED.has(awsCode) && /signature (expired|not yet current)/i.test(reason);
  if (SKEWED.has(awsCode) || skewed) return new KeyturnError('aws-clock-skew', { action, awsMessage }, error);
  if (REJECTED.has(awsCode))
    return new KeyturnError('aws-credentials-rejected', { action, awsCode, awsMessage }, error);
  return undefined;
}

/** AWS names the action that was denied, which may be another one: S3 reports `kms:Decrypt`. */
function denied({ error, action, resource, awsCode, awsMessage, requestId }: Failure): KeyturnError | undefined {
  if (!DENIED.has(awsCode)) return undefined;
  const match = /not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9]+)(?: on (?:the )?resource: "?([^\s"]+))?/.exec(
    awsMessage,
  );
  const facts = {
    action: match?.[1] ?? action,
    resource: match?.[2] ?? resource,
    awsMessage,
    requestId,
  };
  return new KeyturnError('aws-access-denied', facts, error);
}

function throttled({ error, action, resource, awsCode, awsMessage }: Failure): KeyturnError | undefined {
  const facts = { action, resource, awsCode, awsMessage };
  return THROTTLED.has(awsCode) ? new KeyturnError('aws-throttled', facts, error) : undefined;
}
