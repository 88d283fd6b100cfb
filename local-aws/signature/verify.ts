import { timingSafeEqual } from 'node:crypto';
import type { Credentials, KnownAccessKey } from '../credentials';
import type { Clock } from '../message';
import { badSignature, malformedSignature, Refusal, refusal, wrongRegion } from '../wire/refusal';
import { canonicalRequest, type Signable, sha256Hex } from './canonical';
import { fromTimestamp, type SignatureClaim, toTimestamp } from './claim';
import { hmacHex, scopeText, signingKeyCache } from './signing-key';

/** How far the time of a signature may be from the server's, either way. */
export const maxSkew = 900_000;

/** A signature that was found right, and what a chunked body's own signatures are chained to. */
export interface Verified {
  readonly key: KnownAccessKey;
  readonly signingKey: Buffer;
  readonly claim: SignatureClaim;
}

/** Throws a {@link Refusal} in the words of the service unless the claim holds for this request. */
export type Verifier = (request: Signable, claim: SignatureClaim, payloadHash: string) => Verified;

/** Makes the {@link Verifier} of an endpoint that answers for one Region. `tokenClock` judges session tokens. */
export function createVerifier(credentials: Credentials, region: string, clock: Clock, tokenClock: Clock): Verifier {
  const signingKey = signingKeyCache();
  return (request, claim, payloadHash) => {
    checkScope(claim, region);
    const key = findKey(credentials, claim, tokenClock);
    checkTime(claim, clock.now());
    checkSignedHeaders(request, claim);
    const derived = signingKey(key.secretAccessKey, claim);
    const canonical = canonicalRequest(request, claim.service, claim.signedHeaders, payloadHash);
    const toSign = `AWS4-HMAC-SHA256\n${claim.timestamp}\n${scopeText(claim)}\n${sha256Hex(canonical)}`;
    if (!sameText(hmacHex(derived, toSign), claim.signature)) throw mismatch(claim, toSign, canonical);
    return { key, signingKey: derived, claim };
  };
}

function findKey(credentials: Credentials, claim: SignatureClaim, tokenClock: Clock): KnownAccessKey {
  const key = credentials.find(claim.accessKeyId);
  if (key === undefined) {
    throw refusal('unknownAccessKey', claim.service, { AWSAccessKeyId: claim.accessKeyId });
  }
  if ((key.sessionToken ?? '') !== (claim.sessionToken ?? '')) {
    throw refusal('wrongToken', claim.service, { 'Token-0': claim.sessionToken ?? '' });
  }
  if (key.expiresAt !== undefined && tokenClock.now() >= key.expiresAt) {
    throw refusal('expiredToken', claim.service, { 'Token-0': claim.sessionToken ?? '' });
  }
  return key;
}

function checkScope(claim: SignatureClaim, region: string): void {
  if (claim.region !== region && !isGlobal(claim)) throw wrongRegion(claim.service, claim.region, region);
  const day = claim.timestamp.slice(0, 8);
  if (claim.date === day) return;
  if (claim.service === 's3') {
    throw malformedSignature(
      's3',
      `Invalid credential date "${claim.date}". This date is not the same as X-Amz-Date: "${day}"`,
    );
  }
  throw badSignature(
    claim.service,
    `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${claim.date}' != '${day}'.`,
  );
}

/**
 * IAM is of one Region for the whole world. That is what clients sign for at its own address; at any other address,
 * as this one, the AWS CLI and the SDKs sign for the Region that they are configured with.
 */
const isGlobal = ({ service, region }: SignatureClaim): boolean => service === 'iam' && region === 'us-east-1';

function checkTime(claim: SignatureClaim, now: number): void {
  const signedAt = fromTimestamp(claim.timestamp);
  if (Number.isNaN(signedAt)) throw malformedSignature(claim.service, `"${claim.timestamp}" is no date`);
  if (claim.expires !== undefined) checkPresignedTime(claim, claim.expires, signedAt, now);
  else if (Math.abs(now - signedAt) > maxSkew) throw skewed(claim, signedAt, now);
}

function checkPresignedTime(claim: SignatureClaim, expires: number, signedAt: number, now: number): void {
  if (signedAt - now > maxSkew) {
    throw claim.service === 's3'
      ? new Refusal('AccessDenied', 403, 'Request is not yet valid')
      : skewed(claim, signedAt, now);
  }
  const expiry = signedAt + expires * 1000;
  if (now <= expiry) return;
  throw claim.service === 's3'
    ? new Refusal('AccessDenied', 403, 'Request has expired', {
        'X-Amz-Expires': String(expires),
        Expires: new Date(expiry).toISOString().replace('.000', ''),
        ServerTime: new Date(now).toISOString().replace(/\.\d+/, ''),
      })
    : badSignature(claim.service, `Signature expired: ${toTimestamp(expiry)} is now earlier than ${toTimestamp(now)}`);
}

function skewed(claim: SignatureClaim, signedAt: number, now: number): Refusal {
  if (claim.service === 's3') {
    return new Refusal(
      'RequestTimeTooSkewed',
      403,
      'The difference between the request time and the current time is too large.',
      {
        RequestTime: claim.timestamp,
        ServerTime: new Date(now).toISOString().replace(/\.\d+/, ''),
        MaxAllowedSkewMilliseconds: String(maxSkew),
      },
    );
  }
  const minutes = maxSkew / 60_000;
  const bound = toTimestamp(signedAt < now ? now - maxSkew : now + maxSkew);
  return badSignature(
    claim.service,
    signedAt < now
      ? `Signature expired: ${claim.timestamp} is now earlier than ${bound} (${toTimestamp(now)} - ${minutes} min.)`
      : `Signature not yet current: ${claim.timestamp} is still later than ${bound} (${toTimestamp(now)} + ${minutes} min.)`,
  );
}

/** `host` and every `x-amz-*` header must be under the signature, or anybody on the way could change what is asked. */
function checkSignedHeaders(request: Signable, claim: SignatureClaim): void {
  const signed = new Set(claim.signedHeaders);
  const loose = Object.keys(request.headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.has(name),
  );
  const missing = claim.signedHeaders.filter((name) => request.headers[name] === undefined);
  if (loose.length === 0 && missing.length === 0) return;
  if (claim.service !== 's3' || loose.length === 0) {
    const name = loose[0] ?? missing[0];
    throw badSignature(
      claim.service,
      `'${name}' must be a 'SignedHeader' in the AWS Authorization and sent with the request.`,
    );
  }
  throw new Refusal('AccessDenied', 403, 'There were headers present in the request which were not signed', {
    HeadersNotSigned: loose.join(', '),
  });
}

function mismatch(claim: SignatureClaim, toSign: string, canonical: string): Refusal {
  return refusal('signatureMismatch', claim.service, {
    AWSAccessKeyId: claim.accessKeyId,
    StringToSign: toSign,
    SignatureProvided: claim.signature,
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
