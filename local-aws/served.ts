import { kmsOperationOf } from './kms';
import type { AwsRequest, Service } from './message';
import { queryAction, sts } from './sts';
import type { Served } from './transport/served';
import { jsonError, queryError } from './wire/errors';

/** KMS in the transport. It checks permissions itself, once it knows the key a request is about. */
export function servedKms(service: Service): Served {
  return {
    name: (request) => ({ operation: kmsOperationOf(request), key: keyNamed(request.body) }),
    actions: () => [],
    denied: (action, { requestId }) => jsonError('AccessDeniedException', action, 400, requestId),
    serve: service,
  };
}

/** The key identifier in a KMS request, whatever the operation calls it. */
function keyNamed(body: Buffer): string | undefined {
  try {
    const { KeyId, TargetKeyId, DestinationKeyId, AliasName } = JSON.parse(body.toString('utf8'));
    return [KeyId, TargetKeyId, DestinationKeyId, AliasName].find((name) => typeof name === 'string');
  } catch {
    return undefined;
  }
}

/** STS in the transport. Nobody can be denied the only operation there is. */
export const servedSts: Served = {
  name: (request: AwsRequest) => ({ operation: queryAction(request).get('Action') ?? 'Unknown', key: undefined }),
  actions: () => [],
  denied: (action, { requestId }) => queryError('AccessDenied', action, 403, requestId),
  serve: sts,
};
