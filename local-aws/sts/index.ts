import type { AwsRequest, AwsResponse, Service } from '../message';
import { parseQuery } from '../signature/encoding';
import { queryError } from '../wire/errors';
import { xmlElements } from '../wire/xml';

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** The `Action` of a query protocol request, from the form in the body or from the query. */
export function queryAction(request: Pick<AwsRequest, 'query' | 'body'>): ReadonlyMap<string, string> {
  return new Map([...request.query, ...parseQuery(request.body.toString('utf8'))]);
}

/**
 * Security Token Service: `GetCallerIdentity`, by POST or GET. Nobody can be denied it.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export const sts: Service = (request: AwsRequest): AwsResponse => {
  const parameters = queryAction(request);
  const action = parameters.get('Action');
  const version = parameters.get('Version');
  if (action === undefined) {
    return queryError('MissingAction', 'Missing Action', 400, request.requestId);
  }
  if (action !== 'GetCallerIdentity' || version !== '2011-06-15') {
    const message = `Could not find operation ${action} for version ${version ?? 'NO_VERSION_SPECIFIED'}`;
    return queryError('InvalidAction', message, 400, request.requestId);
  }
  const { arn, userId, accountId } = request.caller;
  const result = xmlElements({ Arn: arn, UserId: userId, Account: accountId });
  const metadata = xmlElements({ RequestId: request.requestId });
  return {
    status: 200,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': request.requestId },
    body: `<GetCallerIdentityResponse xmlns="${namespace}"><GetCallerIdentityResult>${result}</GetCallerIdentityResult><ResponseMetadata>${metadata}</ResponseMetadata></GetCallerIdentityResponse>`,
  };
};
