import { timingSafeEqual } from 'node:crypto';
import type { Credentials, KnownAccessKey } from '../credentials';
import type { Clock } from '../message';
import { badSignature, malformedSignature, Refusal, refusal, wrongRegion } from '../wire/refusal';
import { type Authorization, fromTimestamp, toTimestamp } from './authorization-header';
import { canonicalRequest, type Signable, sha256Hex } from './canonical';
import { hmacHex, scopeText, signingKeyCache } from './signing-key';

/** How far the time of a signature may be from the server's, either way. */
export const maxSkew = 900_000;

/** A signature that was found right, and what a chunked body's own signatures are chained to. */
export interface Verified {
  readonly key: KnownAccessKey;
  readonly signingKey: Buffer;
  readonly authorization: Authorization;
}

/** Throws a {@link Refusal} in the words of the service unless the authorization holds for this request. */
export type Verifier = (request: Signable, authorization: Authorization, payloadHash: string) => Verified;

/**
 * Makes the {@link Verifier} of an endpoint that answers for these Regions, its own first. `tokenClock` judges session tokens.
 */
export function createVerifier(
  credentials: Credentials,
  regions: readonly string[],
  clock: Clock,
  tokenClock: Clock,
): Verifier {
  const signingKey = signingKeyCache();
  return (request, authorization, payloadHash) => {
    checkScope(authorization, regions);
    const key = findKey(credentials, authorization, tokenClock);
    checkTime(authorization, clock.now());
    checkSignedHeaders(request, authorization);
    const derived = signingKey(key.secretAccessKey, authorization);
    const canonical = canonicalRequest(request, authorization.service, authorization.signedHeaders, payloadHash);
    const toSign = `AWS4-HMAC-SHA256\n${authorization.timestamp}\n${scopeText(authorization)}\n${sha256Hex(canonical)}`;
    if (!sameText(hmacHex(derived, toSign), authorization.signature)) throw mismatch(authorization, toSign, canonical);
    return { key, signingKey: derived, authorization };
  };
}

function findKey(credentials: Credentials, authorization: Authorization, tokenClock: Clock): KnownAccessKey {
  const key = credentials.find(authorization.accessKeyId);
  if (key === undefined) {
    throw refusal('unknownAccessKey', authorization.service, { AWSAccessKeyId: authorization.accessKeyId });
  }
  if ((key.sessionToken ?? '') !== (authorization.sessionToken ?? '')) {
    throw refusal('wrongToken', authorization.service, { 'Token-0': authorization.sessionToken ?? '' });
  }
  if (key.expiresAt !== undefined && tokenClock.now() >= key.expiresAt) {
    throw refusal('expiredToken', authorization.service, { 'Token-0': authorization.sessionToken ?? '' });
  }
  return key;
}

function checkScope(authorization: Authorization, regions: readonly string[]): void {
  if (!regions.includes(authorization.region) && !isGlobal(authorization))
    throw wrongRegion(authorization.service, authorization.region, regions[0] ?? '');
  const day = authorization.timestamp.slice(0, 8);
  if (authorization.date === day) return;
  if (authorization.service === 's3') {
    throw malformedSignature(
      's3',
      `Invalid credential date "${authorization.date}". This date is not the same as X-Amz-Date: "${day}"`,
    );
  }
  throw badSignature(
    authorization.service,
    `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${authorization.date}' != '${day}'.`,
  );
}

/**
 * IAM is of one Region for the whole world. Clients sign for it at IAM's own address. At any other address, as this
 * one, the AWS CLI and the SDKs sign for the Region that they are configured with.
 */
const isGlobal = ({ service, region }: Authorization): boolean => service === 'iam' && region === 'us-east-1';

function checkTime(authorization: Authorization, now: number): void {
  const signedAt = fromTimestamp(authorization.timestamp);
  if (Number.isNaN(signedAt))
    throw malformedSignature(authorization.service, `"${authorization.timestamp}" is no date`);
  if (authorization.expires !== undefined) checkPresignedTime(authorization, authorization.expires, signedAt, now);
  else if (Math.abs(now - signedAt) > maxSkew) throw skewed(authorization, signedAt, now);
}

function checkPresignedTime(authorization: Authorization, expires: number, signedAt: number, now: number): void {
  if (signedAt - now > maxSkew) {
    throw authorization.service === 's3'
      ? new Refusal('AccessDenied', 403, 'Request is not yet valid')
      : skewed(authorization, signedAt, now);
  }
  const expiry = signedAt + expires * 1000;
  if (now <= expiry) return;
  throw authorization.service === 's3'
    ? new Refusal('AccessDenied', 403, 'Request has expired', {
        'X-Amz-Expires': String(expires),
        Expires: new Date(expiry).toISOString().replace('.000', ''),
        ServerTime: new Date(now).toISOString().replace(/\.\d+/, ''),
      })
    : badSignature(
        authorization.service,
        `Signature expired: ${toTimestamp(expiry)} is now earlier than ${toTimestamp(now)}`,
      );
}

function skewed(authorization: Authorization, signedAt: number, now: number): Refusal {
  if (authorization.service === 's3') {
    return new Refusal(
      'RequestTimeTooSkewed',
      403,
      'The difference between the request time and the current time is too large.',
      {
        RequestTime: authorization.timestamp,
        ServerTime: new Date(now).toISOString().replace(/\.\d+/, ''),
        MaxAllowedSkewMilliseconds: String(maxSkew),
      },
    );
  }
  const minutes = maxSkew / 60_000;
  const bound = toTimestamp(signedAt < now ? now - maxSkew : now + maxSkew);
  return badSignature(
    authorization.service,
    signedAt < now
      ? `Signature expired: ${authorization.timestamp} is now earlier than ${bound} (${toTimestamp(now)} - ${minutes} min.)`
      : `Signature not yet current: ${authorization.timestamp} is still later than ${bound} (${toTimestamp(now)} + ${minutes} min.)`,
  );
}

/** `host` and every `x-amz-*` header must be under the signature, or anybody on the way could change what is asked. */
function checkSignedHeaders(request: Signable, authorization: Authorization): void {
  const signed = new Set(authorization.signedHeaders);
  const loose = Object.keys(request.headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.has(name),
  );
  const missing = authorization.signedHeaders.filter((name) => request.headers[name] === undefined);
  if (loose.length === 0 && missing.length === 0) return;
  if (authorization.service !== 's3' || loose.length === 0) {
    const name = loose[0] ?? missing[0];
    throw badSignature(
      authorization.service,
      `'${name}' must be a 'SignedHeader' in the AWS Authorization and sent with the request.`,
    );
  }
  throw new Refusal('AccessDenied', 403, 'There were headers present in the request which were not signed', {
    HeadersNotSigned: loose.join(', '),
  });
}

function mismatch(authorization: Authorization, toSign: string, canonical: string): Refusal {
  return refusal('signatureMismatch', authorization.service, {
    AWSAccessKeyId: authorization.accessKeyId,
    StringToSign: toSign,
    SignatureProvided: authorization.signature,
    StringToSignBytes: hexBytes(toSign),
    CanonicalRequest: canonical,
    CanonicalRequestBytes: hexBytes(canonical),
  });
}

const hexBytes = (text: string): string =>
  Buffer.from(text)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');

/** Compares two signatures in a time that does not depend on where they differ. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
