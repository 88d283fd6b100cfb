import type { AwsResponse } from '../message';
import type { Need } from '../need';
import type { RequestEvent, Requests } from '../requests';
import type { ReceivedRequest } from './received-request';

/** The identified service and operation of an answered request. */
export type Named = Pick<RequestEvent, 'service' | 'operation' | 'key'> & {
  readonly accessKeyId: string | undefined;
  /** Absent if the request was refused right after it was identified. */
  readonly needs?: readonly Need[];
};

/** A request that was refused before it was identified. */
export const unnamed = (service: string, operation = 'Unknown'): Named => ({
  service,
  operation,
  key: undefined,
  accessKeyId: undefined,
});

/** Enters a request and its answer. A dropped connection has the status 0. */
export function record(
  requests: Requests,
  { head, requestId }: ReceivedRequest,
  named: Named,
  response: AwsResponse,
): void {
  const needs = named.needs ?? [];
  requests.record({
    service: named.service,
    operation: named.operation,
    key: named.key,
    accessKeyId: named.accessKeyId,
    method: head.method,
    path: head.rawQuery === '' ? head.rawPath : `${head.rawPath}?${head.rawQuery.replace(/&?X-Amz-[^&]*/g, '')}`,
    userAgent: head.headers['user-agent'],
    status: response.status,
    code: response.status < 400 ? response.errorCode : (response.errorCode ?? codeInBody(response)),
    requestId,
    actions: [...new Set(needs.map(({ action }) => action))],
    needs,
  });
}

function codeInBody({ body }: AwsResponse): string | undefined {
  return body === undefined ? undefined : /<Code>([^<]+)<\/Code>/.exec(body.toString())?.[1];
}
