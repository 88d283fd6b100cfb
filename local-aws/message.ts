import type { Statement } from './iam/document';

/** What the transport hands to a service once the request is read, decoded and its signature verified. */
export interface AwsRequest {
  readonly method: string;
  /** The path exactly as it came over the wire, percent-encoding untouched, without the query. */
  readonly rawPath: string;
  /** Decoded query parameters in wire order; a bare `?acl` has the value `''`. */
  readonly query: ReadonlyMap<string, string>;
  /** The query as it came over the wire, for operations that repeat a parameter. Absent in requests made in process. */
  readonly rawQuery?: string;
  /** Header names in lower case; repeated headers joined with `,`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The decoded body: aws-chunked framing is already removed. */
  readonly body: Buffer;
  /** Trailing headers of an aws-chunked body (checksums), names in lower case. */
  readonly trailers: Readonly<Record<string, string>>;
  readonly caller: Caller;
  /** The Region in the credential scope of the signature. */
  readonly region: string;
  readonly requestId: string;
}

/** The identity that the verified signature belongs to. */
export interface Caller {
  readonly accessKeyId: string;
  readonly accountId: string;
  readonly arn: string;
  readonly userId: string;
  /** Present for the session of a role: it may do what the role's policies say, and its session policy allows. */
  readonly role?: SessionRole;
  /** Present for an AWS service that comes in its own name: policies of keys and buckets alone decide for it. */
  readonly service?: CallingService;
}

/** An AWS service, and what it acts for. */
export interface CallingService {
  /** `delivery.logs.amazonaws.com`. */
  readonly name: string;
  /** `aws:SourceArn` and `aws:SourceAccount` of its requests, where it gives them. */
  readonly sourceArn?: string;
  readonly sourceAccount?: string;
}

/** The role behind a session. A role that is created again under the same name has another ID. */
export interface SessionRole {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  /** The session policy that AssumeRole was given: nothing is allowed that it does not allow. Absent: there is none. */
  readonly policy?: readonly Statement[];
}

export interface AwsResponse {
  readonly status: number;
  /** The error code of a refusal, for the request log. Without it the log reads the code from the body. */
  readonly errorCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export type Service = (request: AwsRequest) => AwsResponse | Promise<AwsResponse>;

/** Injected everywhere that time matters: expiry, tokens, skew, Last-Modified. Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

/**
 * What S3 asks of KMS, in process. Every call acts as `caller` and takes a key ID, key ARN, alias name or alias ARN. It
 * throws the {@link KmsFault} that the KMS operation of the same name would answer with.
 */
export interface DataKeys {
  generateDataKey(keyId: string, context: EncryptionContext, caller: Caller): DataKey;
  decrypt(
    ciphertext: Buffer,
    context: EncryptionContext,
    caller: Caller,
  ): { readonly plaintext: Buffer; readonly keyArn: string };
  reEncrypt(
    ciphertext: Buffer,
    source: EncryptionContext,
    targetKeyId: string,
    target: EncryptionContext,
    caller: Caller,
  ): { readonly ciphertext: Buffer; readonly keyArn: string };
  encrypt(
    plaintext: Buffer,
    keyId: string,
    context: EncryptionContext,
    caller: Caller,
  ): { readonly ciphertext: Buffer; readonly keyArn: string };
  /** Throws as Decrypt does for the state of the key. It needs no permission and is no use of the key. */
  checkKeyState(keyArn: string, caller: Caller): void;
  /** The account's AWS managed key `alias/aws/s3`, created on first use. */
  awsManagedS3Key(caller: Caller): string;
}

export type EncryptionContext = Readonly<Record<string, string>>;

export interface DataKey {
  readonly plaintext: Buffer;
  readonly ciphertext: Buffer;
  /** ARN of the key that wrapped it, aliases resolved. */
  readonly keyArn: string;
}

/**
 * An error KMS answers with, in KMS's own words. S3 prefixes the code with `KMS.` where AWS does. S3 answers
 * `AccessDeniedException` as `AccessDenied` 403: for a caller whose access key is limited, and for a ciphertext whose
 * key is gone or belongs to somebody else.
 */
export class KmsFault extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = 'KmsFault';
    this.code = code;
    this.status = status;
  }
}
