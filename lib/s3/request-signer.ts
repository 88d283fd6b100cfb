import { createHmac, hash } from 'node:crypto';

/** Credentials as a signature needs them. */
export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A request before it is signed: everything in the form in which it goes over the wire. */
export interface Signable {
  readonly method: string;
  /** Percent-encoded once and never normalised, as S3 signs it. */
  readonly path: string;
  /** Encoded, sorted by name, every name with its `=`; empty without a query. */
  readonly query: string;
  /** Name and port, as sent. */
  readonly host: string;
  /**
   * Lower-case names and values without surrounding blanks; each name once. A list that many requests share is prepared once
   * a second, so it must not change.
   */
  readonly headers: readonly Header[];
  /** Lower-case hex. */
  readonly payloadSha256: string;
}

export type Header = readonly [name: string, value: string];

/** SHA-256 of nothing, in hex. */
export const EMPTY_SHA256 = hash('sha256', '');

/** What requests of the same headers and second have in common. */
interface Frame {
  readonly host: string;
  readonly payloadSha256: string;
  readonly stamp: string;
  readonly credentials: SigningCredentials;
  /** Names and values in turn, sorted by name. */
  readonly headers: readonly string[];
  /** The canonical request behind its query. */
  readonly canonical: string;
  /** The string to sign, up to the hash of the canonical request. */
  readonly toSign: string;
  /** The authorization, up to the signature. */
  readonly authorization: string;
  readonly key: Buffer;
}

/**
 * Signs requests with AWS Signature Version 4 in the header, for one service and Region. The signing key is derived once
 * a day and secret; a signature then costs one hash and one HMAC.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export class RequestSigner {
  readonly #region: string;
  readonly #service: string;
  readonly #frames = new WeakMap<readonly Header[], Frame>();
  #key: { readonly id: string; readonly bytes: Buffer } | undefined;

  constructor(region: string, service = 's3') {
    this.#region = region;
    this.#service = service;
  }

  /**
   * The request's headers with host, date, payload hash, session token and authorization added: names and values in turn.
   *
   * @param at - milliseconds since the epoch
   */
  sign(request: Signable, credentials: SigningCredentials, at: number): string[] {
    const frame = this.#frame(request, credentials, timestamp(at));
    const hashed = hash('sha256', `${request.method}\n${request.path}\n${request.query}${frame.canonical}`);
    const signature = createHmac('sha256', frame.key).update(frame.toSign).update(hashed).digest('hex');
    return [...frame.headers, 'authorization', frame.authorization + signature];
  }

  #frame(request: Signable, credentials: SigningCredentials, stamp: string): Frame {
    const { headers, host, payloadSha256 } = request;
    const known = this.#frames.get(headers);
    const isCurrent =
      known?.stamp === stamp &&
      known.credentials === credentials &&
      known.payloadSha256 === payloadSha256 &&
      known.host === host;
    if (isCurrent) return known;
    const made = this.#frameOf(request, credentials, stamp);
    this.#frames.set(headers, made);
    return made;
  }

  #frameOf({ headers, host, payloadSha256 }: Signable, credentials: SigningCredentials, stamp: string): Frame {
    const day = stamp.slice(0, 8);
    const { accessKeyId, sessionToken } = credentials;
    const all: Header[] = [['host', host], ...headers, ['x-amz-content-sha256', payloadSha256], ['x-amz-date', stamp]];
    if (sessionToken) all.push(['x-amz-security-token', sessionToken]);
    all.sort(byName);
    const lines = all.map(([name, value]) => `${name}:${value}\n`).join('');
    const names = all.map(([name]) => name).join(';');
    const scope = `${day}/${this.#region}/${this.#service}/aws4_request`;
    return {
      host,
      payloadSha256,
      stamp,
      credentials,
      headers: all.flat(),
      canonical: `\n${lines}\n${names}\n${payloadSha256}`,
      toSign: `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n`,
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=`,
      key: this.#signingKey(day, credentials),
    };
  }

  #signingKey(day: string, { secretAccessKey }: SigningCredentials): Buffer {
    const id = `${day} ${secretAccessKey}`;
    if (this.#key?.id === id) return this.#key.bytes;
    const steps = [day, this.#region, this.#service, 'aws4_request'];
    let bytes = Buffer.from(`AWS4${secretAccessKey}`);
    for (const step of steps) bytes = createHmac('sha256', bytes).update(step).digest();
    this.#key = { id, bytes };
    return bytes;
  }
}

function byName([one]: Header, [other]: Header): number {
  return one < other ? -1 : 1;
}

/** `20260131T235959Z`; built again only when the second has passed. */
function timestamp(at: number): string {
  const second = Math.floor(at / 1000);
  if (second !== latest.second) {
    latest = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z` };
  }
  return latest.text;
}
let latest = { second: Number.NaN, text: '' };
