import type { Signable } from '../signature/canonical';
import { MalformedClaim, OtherMechanism, readClaim, type SignatureClaim } from '../signature/claim';
import { parseQuery } from '../signature/encoding';
import { malformedSignature, otherMechanism, Refusal } from '../wire/refusal';

/** Everything that is known of a request before its signature is looked at. */
export interface Incoming {
  readonly head: Signable;
  readonly body: Buffer;
  readonly requestId: string;
}

/** The decoded query. Throws `InvalidURI` for a path or query that is no percent-encoded UTF-8. */
export function readQuery(head: Signable): ReadonlyMap<string, string> {
  try {
    decodeURIComponent(head.rawPath);
    return new Map(parseQuery(head.rawQuery));
  } catch {
    throw new Refusal('InvalidURI', 400, "Couldn't parse the specified URI.", { URI: head.rawPath });
  }
}

/** What the request says of its signature; undefined where it has none. Throws a {@link Refusal}. */
export function claimOf(head: Signable, query: ReadonlyMap<string, string>): SignatureClaim | undefined {
  try {
    return readClaim(head.headers, query);
  } catch (error) {
    if (error instanceof MalformedClaim) throw malformedSignature(guessService(head), error.message);
    if (error instanceof OtherMechanism) throw otherMechanism(guessService(head));
    throw error;
  }
}

/** The service of the credential scope, also where the request is refused before the scope was trusted. */
export function refusedService(head: Signable): string | undefined {
  try {
    return readClaim(head.headers, readQuery(head))?.service;
  } catch {
    return undefined;
  }
}

/** The protocol of a request whose signature names no service. */
export function guessService({ headers, method, rawPath }: Signable): string {
  if (headers['x-amz-target'] !== undefined) return 'kms';
  const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  return form && method === 'POST' && rawPath === '/' ? 'sts' : 's3';
}
