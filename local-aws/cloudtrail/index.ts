import type { AwsRequest, AwsResponse, Service } from '../message';
import { jsonError } from '../wire/errors';
import { Refusal } from '../wire/refusal';
import { recordOf, type TrailEvent, typeOf, userNameOf } from './event';
import { pageOf, readLookup } from './lookup';
import type { Trail } from './trail';

export interface CloudTrailOptions {
  readonly trail: Pick<Trail, 'seen'>;
  /** Throws where a request quota is switched on and used up. */
  throttle(operation: string): void;
}

/** The operations served, by the names of the API reference. */
export const cloudTrailOperations: readonly string[] = ['LookupEvents'];

/** What a request says it is: `Unknown` for a target of another service. */
export function cloudTrailOperationOf({ headers }: Pick<AwsRequest, 'headers'>): string {
  const target = headers['x-amz-target'] ?? '';
  return /(?:^|\.)CloudTrail_20131101\.(\w+)$/.exec(target)?.[1] ?? 'Unknown';
}

/** The event history of CloudTrail, awsJson1.1. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/ */
export function createCloudTrail(options: CloudTrailOptions): Service {
  return (request) => serve(options, request);
}

function serve({ trail, throttle }: CloudTrailOptions, request: AwsRequest): AwsResponse {
  const {
    requestId,
    body,
    region,
    caller: { accountId },
  } = request;
  const name = cloudTrailOperationOf(request);
  if (!cloudTrailOperations.includes(name))
    return jsonError('UnknownOperationException', `This endpoint has no operation ${name}.`, 400, requestId);
  try {
    throttle(name);
    const { page, next } = pageOf(trail.seen(region, accountId), readLookup(body));
    const answer = { Events: page.map((event) => eventOf(event, region, accountId)), NextToken: next };
    return {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId },
      body: JSON.stringify(answer),
    };
  } catch (error) {
    if (error instanceof Refusal) return jsonError(error.code, error.message, error.status, requestId);
    throw error;
  }
}

/** Of a caller of another account neither name nor access key is shown. */
const eventOf = (event: TrailEvent, region: string, accountId: string) => ({
  EventId: event.id,
  EventName: event.name,
  ReadOnly: String(event.readOnly),
  ...(!('service' in event.by) &&
    event.by.accountId === accountId && { AccessKeyId: event.by.accessKeyId, Username: userNameOf(event.by) }),
  EventTime: Math.floor(event.at / 1000),
  EventSource: 'kms.amazonaws.com',
  Resources: event.resources.map((ResourceName) => ({ ResourceType: typeOf(ResourceName), ResourceName })),
  CloudTrailEvent: JSON.stringify(recordOf(event, region, accountId)),
});
