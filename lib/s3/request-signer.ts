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
  /** Lower-case names and values without surrounding blanks, `host` among them; each name once. */
  readonly headers: readonly Header[];
  /** Lower-case hex. */
  readonly payloadSha256: string;
}

export type Header = readonly [name: string, value: string];

/** SHA-256 of nothing, in hex. */
export const EMPTY_SHA256 = hash('sha256', '');

/**
 * Signs requests with AWS Signature Version 4 in the header, for one service and Region. The signing key is derived once
 * a day and secret; a signature then costs one hash and one HMAC.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export class RequestSigner {
  readonly #region: string;
  readonly #service: string;
  #key: { readonly id: string; readonly bytes: Buffer } | undefined;

  constructor(region: string, service = 's3') {
    this.#region = region;
    this.#service = service;
  }

  /** The request's headers with date, payload hash, session token and authorization added. `at`: ms since the epoch. */
  sign(request: Signable, credentials: SigningCredentials, at: number): readonly Header[] {
    const stamp = timestamp(at);
    const day = stamp.slice(0, 8);
    const headers: Header[] = [
      ...request.headers,
      ['x-amz-content-sha256', request.payloadSha256],
      ['x-amz-date', stamp],
    ];
    if (credentials.sessionToken) headers.push(['x-amz-security-token', credentials.sessionToken]);
    headers.sort(byName);

    let canonical = '';
    let names = '';
    for (const [name, value] of headers) {
      canonical += `${name}:${value}\n`;
      names += names === '' ? name : `;${name}`;
    }
    const { method, path, query, payloadSha256 } = request;
    const hashed = hash('sha256', `${method}\n${path}\n${query}\n${canonical}\n${names}\n${payloadSha256}`);
    const scope = `${day}/${this.#region}/${this.#service}/aws4_request`;
    const signature = createHmac('sha256', this.#signingKey(day, credentials))
      .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hashed}`)
      .digest('hex');
    const credential = `${credentials.accessKeyId}/${scope}`;
    headers.push([
      'authorization',
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
    ]);
    return headers;
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
