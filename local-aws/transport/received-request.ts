import {
  type Authorization,
  MalformedAuthorization,
  OtherMechanism,
  readAuthorization,
} from '../signature/authorization-header';
import type { Signable } from '../signature/canonical';
import { parseQuery } from '../signature/encoding';
import { malformedSignature, otherMechanism, Refusal } from '../wire/refusal';

/** A request as received, before its signature is checked. */
export interface ReceivedRequest {
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

/** The signature that the request presents; undefined for an unsigned request. Throws a {@link Refusal}. */
export function authorizationOf(head: Signable, query: ReadonlyMap<string, string>): Authorization | undefined {
  try {
    return readAuthorization(head.headers, query);
  } catch (error) {
    if (error instanceof MalformedAuthorization) throw malformedSignature(guessService(head), error.message);
    if (error instanceof OtherMechanism) throw otherMechanism(guessService(head));
    throw error;
  }
}

/** The service of the credential scope, also where the request is refused before the scope was trusted. */
export function refusedService(head: Signable): string | undefined {
  try {
    return readAuthorization(head.headers, readQuery(head))?.service;
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
