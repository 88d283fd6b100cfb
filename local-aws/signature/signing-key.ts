import { createHmac } from 'node:crypto';

/** The date, Region and service that a signing key is good for. */
export interface Scope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export const scopeText = (scope: Scope): string => `${scope.date}/${scope.region}/${scope.service}/aws4_request`;

const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

export const hmacHex = (key: Buffer, data: string): string => createHmac('sha256', key).update(data).digest('hex');

/**
 * Derives the signing key of Signature Version 4.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#calculate-signature
 */
export function deriveSigningKey(secretAccessKey: string, scope: Scope): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, scope.date), scope.region), scope.service), 'aws4_request');
}

/** Four HMACs a request are a third of the cost of verifying it, and the key only changes with the day. */
export function signingKeyCache(capacity = 256): (secretAccessKey: string, scope: Scope) => Buffer {
  const keys = new Map<string, Buffer>();
  return (secretAccessKey, scope) => {
    const name = `${secretAccessKey}/${scopeText(scope)}`;
    const known = keys.get(name);
    if (known !== undefined) return known;
    if (keys.size >= capacity) keys.clear();
    const key = deriveSigningKey(secretAccessKey, scope);
    keys.set(name, key);
    return key;
  };
}
