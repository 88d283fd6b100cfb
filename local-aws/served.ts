import { cloudTrailOperationOf } from './cloudtrail';
import type { Iam } from './iam';
import { kmsOperationOf } from './kms';
import type { AwsRequest, Service } from './message';
import type { Need } from './need';
import type { S3 } from './s3';
import { objectKeyOf, s3NeedsOf } from './s3-actions';
import { s3ConditionsOf } from './s3-conditions';
import { queryAction } from './sts';
import type { Served } from './transport/served';
import { errorResponse, jsonError, queryError } from './wire/errors';
import { Refusal } from './wire/refusal';

/** KMS in the transport. It checks permissions itself, once it knows the key a request is about. */
export function servedKms(service: Service): Served {
  return {
    name: (request) => ({ operation: kmsOperationOf(request), key: keyNamed(request.body) }),
    needs: () => [],
    denied: ({ action }, { requestId }) => jsonError('AccessDeniedException', action, 400, requestId),
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

/** CloudTrail in the transport. No resource can be named in a policy for it. */
export function servedCloudTrail(service: Service): Served {
  return {
    name: (request) => ({ operation: cloudTrailOperationOf(request), key: undefined }),
    needs: (operation) => [{ action: `cloudtrail:${operation}`, resource: '*' }],
    denied: (need, request, because) =>
      jsonError('AccessDeniedException', accessDenied(need, request, because).message, 400, request.requestId),
    serve: service,
  };
}

/** STS in the transport. It checks permissions itself, once it knows whom the trust policy of a role names. */
export function servedSts(service: Service): Served {
  return {
    name(request) {
      const query = queryAction(request);
      return { operation: query.get('Action') ?? 'Unknown', key: query.get('RoleArn') };
    },
    needs: () => [],
    denied: ({ action }, { requestId }) => queryError('AccessDenied', action, 403, requestId),
    serve: service,
  };
}

/** IAM in the transport, that of the caller's account. */
export function servedIam(iamOf: (accountId: string) => Iam): Served {
  return {
    name(request) {
      const query = queryAction(request);
      return { operation: query.get('Action') ?? 'Unknown', key: query.get('RoleName') };
    },
    needs: (operation, request) => iamOf(request.caller.accountId).needsOf(operation, request),
    denied: (need, request, because) => errorResponse('iam', accessDenied(need, request, because), request.requestId),
    serve: (request) => iamOf(request.caller.accountId).service(request),
  };
}

/** S3 in the transport. What it needs of KMS it asks KMS for in process, as the same caller. */
export function servedS3(s3: Pick<S3, 'handle' | 'operationOf' | 'elsewhere'>): Served {
  return {
    name: (request) => ({ operation: s3.operationOf(request), key: objectKeyOf(request) }),
    needs: s3NeedsOf,
    elsewhere: s3.elsewhere,
    about: s3ConditionsOf,
    denied: (need, request, because) => errorResponse('s3', accessDenied(need, request, because), request.requestId),
    serve: s3.handle,
  };
}

function accessDenied(
  { action, resource }: Need,
  { caller }: AwsRequest,
  because = `because no identity-based policy allows the ${action} action`,
): Refusal {
  const message = `User: ${caller.arn} is not authorized to perform: ${action} on resource: "${resource}" ${because}`;
  return new Refusal('AccessDenied', 403, message);
}
