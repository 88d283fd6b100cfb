/** A request that is turned away before it reaches its service; rendered in the protocol of that service. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly status: number;
  /** Further elements of an S3 error document, in order. */
  readonly elements: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    code: string,
    status: number,
    message: string,
    elements: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.elements = elements;
    this.headers = headers;
  }
}

/** Code and HTTP status of one refusal in the three protocols: S3's XML, KMS's JSON, STS's query XML. */
type Wording = Readonly<Record<'s3' | 'kms' | 'sts', readonly [code: string, status: number, message: string]>>;

const invalidToken = 'The security token included in the request is invalid.';
const expired = 'The security token included in the request is expired';
const mismatch =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/**
 * What AWS answers to a request it cannot attribute to anybody. Sources: the common errors of the KMS and STS API
 * references, and S3's list of error codes (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
 */
const wordings = {
  unauthenticated: {
    s3: ['AccessDenied', 403, 'Access Denied'],
    kms: ['MissingAuthenticationTokenException', 400, 'Missing Authentication Token'],
    sts: ['MissingAuthenticationToken', 403, 'Request is missing Authentication Token'],
  },
  unknownAccessKey: {
    s3: ['InvalidAccessKeyId', 403, 'The AWS Access Key Id you provided does not exist in our records.'],
    kms: ['UnrecognizedClientException', 400, invalidToken],
    sts: ['InvalidClientTokenId', 403, invalidToken],
  },
  wrongToken: {
    s3: ['InvalidToken', 400, 'The provided token is malformed or otherwise invalid.'],
    kms: ['UnrecognizedClientException', 400, invalidToken],
    sts: ['InvalidClientTokenId', 403, invalidToken],
  },
  expiredToken: {
    s3: ['ExpiredToken', 400, 'The provided token has expired.'],
    kms: ['ExpiredTokenException', 400, expired],
    sts: ['ExpiredToken', 403, expired],
  },
  signatureMismatch: {
    s3: [
      'SignatureDoesNotMatch',
      403,
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    ],
    kms: ['InvalidSignatureException', 400, mismatch],
    sts: ['SignatureDoesNotMatch', 403, mismatch],
  },
} satisfies Record<string, Wording>;

/** The refusal of that name in the words of `service`; a service that is not served here is worded as S3. */
export function refusal(name: keyof typeof wordings, service: string, elements?: Record<string, string>): Refusal {
  const [code, status, message] = worded(wordings[name], service);
  return new Refusal(code, status, message, service === 's3' ? elements : {});
}

/** A signature problem whose message carries facts: code and status as {@link refusal}'s `signatureMismatch`. */
export function badSignature(service: string, message: string): Refusal {
  const [code, status] = worded(wordings.signatureMismatch, service);
  return new Refusal(code, status, message);
}

/** The signature could not be read at all. */
export function malformedSignature(service: string, fault: string): Refusal {
  if (service === 's3') {
    return new Refusal('AuthorizationHeaderMalformed', 400, `The authorization header is malformed; ${fault}.`);
  }
  const code = service === 'kms' ? 'IncompleteSignatureException' : 'IncompleteSignature';
  return new Refusal(code, 400, `The request signature does not conform to AWS standards: ${fault}.`);
}

/** The request is signed in a way that is not served here. */
export function otherMechanism(service: string): Refusal {
  const message = 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.';
  if (service === 's3') return new Refusal('InvalidRequest', 400, message);
  return malformedSignature(service, message.slice(0, -1));
}

/** A request signed for another Region. S3 names the Region it expects, in the document and in a header. */
export function wrongRegion(service: string, given: string, expected: string): Refusal {
  if (service === 's3') {
    return new Refusal(
      'AuthorizationHeaderMalformed',
      400,
      `The authorization header is malformed; the region '${given}' is wrong; expecting '${expected}'`,
      { Region: expected },
      { 'x-amz-bucket-region': expected },
    );
  }
  return badSignature(service, `Credential should be scoped to a valid region, not '${given}'. `);
}

/** IAM speaks the query protocol as STS does. */
function worded(wording: Wording, service: string) {
  if (service === 'iam') return wording.sts;
  return wording[service === 'kms' || service === 'sts' ? service : 's3'];
}
