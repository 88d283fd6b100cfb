import type { AwsRequest, AwsResponse, Service } from '../message';
import { parseQuery } from '../signature/encoding';
import { queryError } from '../wire/errors';
import { StsFault, stsAnswer } from './answer';
import { type AssumingRoles, assumeRole } from './assume-role';

/** The `Action` of a query protocol request, from the form in the body or from the query. */
export function queryAction(request: Pick<AwsRequest, 'query' | 'body'>): ReadonlyMap<string, string> {
  return new Map([...request.query, ...parseQuery(request.body.toString('utf8'))]);
}

type Operation = (assuming: AssumingRoles, request: AwsRequest, query: ReadonlyMap<string, string>) => string;

const operations: Readonly<Record<string, Operation>> = {
  AssumeRole: (assuming, { caller }, query) => assumeRole(assuming, caller, query),
  /** Nobody can be denied it. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
  GetCallerIdentity: (_assuming, { caller: { arn, userId, accountId } }) =>
    stsAnswer({ Arn: arn, UserId: userId, Account: accountId }),
};

/** The operations served, by the names of the API reference. */
export const stsOperations: readonly string[] = Object.keys(operations).sort();

/** Security Token Service, by POST or GET. */
export function createSts(assuming: AssumingRoles): Service {
  return (request: AwsRequest): AwsResponse => {
    const { requestId } = request;
    const parameters = queryAction(request);
    const action = parameters.get('Action');
    const version = parameters.get('Version');
    if (action === undefined) return queryError('MissingAction', 'Missing Action', 400, requestId);
    const known = Object.hasOwn(operations, action) ? operations[action] : undefined;
    if (known === undefined || version !== '2011-06-15') {
      const message = `Could not find operation ${action} for version ${version ?? 'NO_VERSION_SPECIFIED'}`;
      return queryError('InvalidAction', message, 400, requestId);
    }
    try {
      return answered(action, known(assuming, request, parameters), requestId);
    } catch (error) {
      if (error instanceof StsFault) return queryError(error.code, error.message, error.status, requestId);
      throw error;
    }
  };
}

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';

function answered(action: string, result: string, requestId: string): AwsResponse {
  const metadata = `<ResponseMetadata>${stsAnswer({ RequestId: requestId })}</ResponseMetadata>`;
  return {
    status: 200,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: `<${action}Response xmlns="${namespace}"><${action}Result>${result}</${action}Result>${metadata}</${action}Response>`,
  };
}
