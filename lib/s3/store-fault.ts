/** A call to S3 that did not succeed, in one shape whichever path sent it. Never shown as it is: its caller names it. */
export class StoreFault extends Error {
  /** The S3 operation, `HeadObject`, … */
  readonly operation: string;
  /** HTTP status; 0 where no whole answer came. */
  readonly status: number;
  /** S3's error code; for a HEAD, whose errors carry no body, `''`. For a transport failure the socket's code. */
  readonly code: string;
  readonly requestId: string | undefined;

  constructor(
    fault: { operation: string; status: number; code: string; message: string; requestId?: string },
    cause?: unknown,
  ) {
    super(fault.message, cause === undefined ? undefined : { cause });
    this.name = 'StoreFault';
    this.operation = fault.operation;
    this.status = fault.status;
    this.code = fault.code;
    this.requestId = fault.requestId;
  }
}

/**
 * What a fault means for the run.
 * - `gone`: the version is no longer there (or is a delete marker now)
 * - `throttled-s3`, `throttled-kms`: slow down; the two limits are apart, and only the message distinguishes them
 * - `transient`: try again
 * - `race`: a precondition failed or another write was in progress: inspect again and decide again
 * - `credentials`: the credentials ended; nothing will succeed until there are new ones
 * - `denied`: 403, of many causes
 * - `kms`: KMS refused, for the key named in the message or unnamed
 * - `missing-bucket`: no such bucket, or not in this Region
 * - `unsupported`: the endpoint does not know the operation
 * - `refused`: anything else that concerns this one version
 */
export type FaultKind =
  | 'gone'
  | 'throttled-s3'
  | 'throttled-kms'
  | 'transient'
  | 'race'
  | 'credentials'
  | 'denied'
  | 'kms'
  | 'missing-bucket'
  | 'unsupported'
  | 'refused';

const BY_CODE: Readonly<Record<string, FaultKind>> = {
  NoSuchKey: 'gone',
  NoSuchVersion: 'gone',
  NoSuchBucket: 'missing-bucket',
  PermanentRedirect: 'missing-bucket',
  AuthorizationHeaderMalformed: 'missing-bucket',
  ThrottlingException: 'throttled-kms',
  'KMS.ThrottlingException': 'throttled-kms',
  'KMS.LimitExceededException': 'throttled-kms',
  Throttling: 'throttled-s3',
  TooManyRequests: 'throttled-s3',
  RequestLimitExceeded: 'throttled-s3',
  'KMS.KMSInternalException': 'transient',
  'KMS.DependencyTimeoutException': 'transient',
  'KMS.KeyUnavailableException': 'transient',
  InternalError: 'transient',
  RequestTimeout: 'transient',
  RequestTimeTooSkewed: 'transient',
  BadDigest: 'transient',
  IncompleteBody: 'transient',
  PreconditionFailed: 'race',
  ConditionalRequestConflict: 'race',
  OperationAborted: 'race',
  NoSuchUpload: 'race',
  ExpiredToken: 'credentials',
  ExpiredTokenException: 'credentials',
  TokenRefreshRequired: 'credentials',
  InvalidToken: 'credentials',
  InvalidAccessKeyId: 'credentials',
  CredentialsProviderError: 'credentials',
  NotImplemented: 'unsupported',
  MethodNotAllowed: 'unsupported',
};

/** Names the meaning of a fault. The SDK's own classes miss 409, 412 and every `KMS.*` code, and retry what must not be. */
export function faultKind(fault: StoreFault): FaultKind {
  if (fault.code === 'SlowDown' || fault.code === 'ServiceUnavailable') {
    return /\bKMS\b/.test(fault.message) ? 'throttled-kms' : 'throttled-s3';
  }
  // A HEAD or GET of a delete marker is answered 405 with the same code as an unknown sub-resource.
  if (fault.status === 405 && (fault.operation === 'HeadObject' || fault.operation === 'GetObject')) return 'gone';
  const known = BY_CODE[fault.code];
  if (known !== undefined) return known;
  if (fault.code.startsWith('KMS.')) return 'kms';
  return byStatus(fault.status);
}

function byStatus(status: number): FaultKind {
  if (status === 0 || status === 408 || status === 500 || status === 502 || status === 504) return 'transient';
  if (status === 503 || status === 429) return 'throttled-s3';
  if (status === 403) return 'denied';
  if (status === 404) return 'gone';
  if (status === 405 || status === 501) return 'unsupported';
  if (status === 409 || status === 412) return 'race';
  if (status === 301) return 'missing-bucket';
  return 'refused';
}

/** One line for people: the operation and what S3 answered. */
export function faultText(fault: StoreFault): string {
  const code = fault.code === '' ? `HTTP ${fault.status}` : fault.code;
  return `${fault.operation}: ${code}${fault.message === '' ? '' : `: ${fault.message}`}`;
}

/** The `StoreFault` that an error is, or `undefined` for a bug and for an abort. */
export function asFault(error: unknown): StoreFault | undefined {
  return error instanceof StoreFault ? error : undefined;
}
