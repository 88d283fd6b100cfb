import { StoreFault } from './store-fault';

/** Names the account that must own the buckets of a request: S3 refuses it for a bucket that somebody else made under the same name. */
export function ownerFields(
  input: Readonly<Record<string, unknown>>,
  owner: string | undefined,
): { readonly ExpectedBucketOwner?: string; readonly ExpectedSourceBucketOwner?: string } {
  if (owner === undefined) return {};
  return {
    ExpectedBucketOwner: owner,
    ...(input.CopySource === undefined ? {} : { ExpectedSourceBucketOwner: owner }),
  };
}

/** The same as headers. @param isCopy - the request names a source, whose bucket it is, too */
export function ownerHeaders(owner: string | undefined, isCopy: boolean): (readonly [string, string])[] {
  if (owner === undefined) return [];
  const expected = ['x-amz-expected-bucket-owner', owner] as const;
  return isCopy ? [expected, ['x-amz-source-expected-bucket-owner', owner]] : [expected];
}

/** S3 answers a wrong owner as it answers a bucket policy: the reason is said as one that it may be. */
export function withOwner(fault: StoreFault, owner: string | undefined): StoreFault {
  const { operation, status, code, message, requestId } = fault;
  const mayBeOwner =
    owner !== undefined && status === 403 && code === 'AccessDenied' && !/not authorized/.test(message);
  if (!mayBeOwner) return fault;
  const told = `${message} (S3 answers so, too, where the bucket does not belong to account ${owner})`;
  const request = requestId === undefined ? {} : { requestId };
  return new StoreFault({ operation, status, code, message: told, ...request }, fault);
}
