/** The signature of a request as its header or query presents it, not yet verified. */
export interface Authorization {
  readonly accessKeyId: string;
  /** `20261124`, from the credential scope. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  /** Lower-case hex. */
  readonly signature: string;
  /** `20261124T131053Z`. */
  readonly timestamp: string;
  readonly sessionToken: string | undefined;
  /** Seconds a presigned URL is good for; undefined when the signature is in the `Authorization` header. */
  readonly expires: number | undefined;
}

/** The signature cannot be read; `message` says which part of it. */
export class MalformedAuthorization extends Error {
  override readonly name = 'MalformedAuthorization';
}

/** The request is signed in another way: Signature Version 2, or 4A. */
export class OtherMechanism extends Error {
  override readonly name = 'OtherMechanism';
}

type Headers = Readonly<Record<string, string>>;
type Query = ReadonlyMap<string, string>;

const algorithm = 'AWS4-HMAC-SHA256';
/** Seven days, the most a presigned URL may ask for. */
const maxExpires = 604_800;

/**
 * Reads the authorization from the header or the query. Undefined for an unsigned request. Throws {@link
 * MalformedAuthorization} or {@link OtherMechanism}.
 */
export function readAuthorization(headers: Headers, query: Query): Authorization | undefined {
  if (headers.authorization !== undefined) return readHeader(headers.authorization, headers);
  if (query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature')) return readPresigned(query);
  if (query.has('AWSAccessKeyId')) throw new OtherMechanism('AWS');
  return undefined;
}

function readHeader(authorization: string, headers: Headers): Authorization {
  const space = authorization.indexOf(' ');
  if (authorization.slice(0, space) !== algorithm) {
    throw new OtherMechanism(authorization.slice(0, Math.max(space, 0)));
  }
  const parts = new Map<string, string>();
  for (const part of authorization.slice(space + 1).split(',')) {
    const [name, ...value] = part.trim().split('=');
    parts.set(name ?? '', value.join('='));
  }
  return {
    ...readScope(need(parts, 'Credential')),
    signedHeaders: need(parts, 'SignedHeaders').split(';'),
    signature: need(parts, 'Signature'),
    timestamp: readTimestamp(headers['x-amz-date'] ?? isoBasic(headers.date)),
    sessionToken: headers['x-amz-security-token'],
    expires: undefined,
  };
}

function readPresigned(query: Query): Authorization {
  if (query.get('X-Amz-Algorithm') !== algorithm)
    throw new MalformedAuthorization(`X-Amz-Algorithm only supports "${algorithm}"`);
  const expires = Number(need(query, 'X-Amz-Expires'));
  if (!Number.isInteger(expires)) throw new MalformedAuthorization('X-Amz-Expires should be a number');
  if (expires < 0) throw new MalformedAuthorization('X-Amz-Expires must be non-negative');
  if (expires > maxExpires) {
    throw new MalformedAuthorization('X-Amz-Expires must be less than a week (in seconds) that is 604800');
  }
  return {
    ...readScope(need(query, 'X-Amz-Credential')),
    signedHeaders: need(query, 'X-Amz-SignedHeaders').split(';'),
    signature: need(query, 'X-Amz-Signature'),
    timestamp: readTimestamp(query.get('X-Amz-Date')),
    sessionToken: query.get('X-Amz-Security-Token'),
    expires,
  };
}

function readScope(credential: string) {
  const parts = credential.split('/');
  const [service, terminator] = [parts.at(-2), parts.at(-1)];
  const [date, region] = [parts.at(-4), parts.at(-3)];
  const accessKeyId = parts.slice(0, -4).join('/');
  if (terminator !== 'aws4_request' || !accessKeyId || !date || !region || !service) {
    throw new MalformedAuthorization(
      `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request", not "${credential}"`,
    );
  }
  return { accessKeyId, date, region, service };
}

function readTimestamp(text: string | undefined): string {
  if (text === undefined) throw new MalformedAuthorization('the request has no X-Amz-Date and no Date');
  if (!/^\d{8}T\d{6}Z$/.test(text)) {
    throw new MalformedAuthorization(
      `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'", not "${text}"`,
    );
  }
  return text;
}

function need(parts: ReadonlyMap<string, string>, name: string): string {
  const value = parts.get(name);
  if (!value) throw new MalformedAuthorization(`missing ${name}`);
  return value;
}

/** The `Date` header stands in where there is no `X-Amz-Date`. */
function isoBasic(date: string | undefined): string | undefined {
  const time = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(time) ? undefined : toTimestamp(time);
}

/** `20261124T131053Z` for milliseconds since the epoch. */
export function toTimestamp(time: number): string {
  return `${new Date(time).toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`;
}

/** Milliseconds since the epoch for `20261124T131053Z`; NaN for a date that does not exist. */
export function fromTimestamp(timestamp: string): number {
  return Date.parse(
    timestamp.replace(
      /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/,
      (_, y, mo, d, h, mi, s) => `${y}-${mo}-${d}T${h}:${mi}:${s}Z`,
    ),
  );
}
