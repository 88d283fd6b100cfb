import type { AwsRequest, AwsResponse } from '../message';
import type { Signable } from '../signature/canonical';
import { errorResponse } from '../wire/errors';
import { refusal } from '../wire/refusal';
import type { PipelineOptions } from './pipeline';

/** An unsigned request. */
export interface Unsigned {
  readonly head: Signable;
  readonly body: Buffer;
  readonly query: ReadonlyMap<string, string>;
  readonly requestId: string;
}

/**
 * Nobody gets anything without a signature. But S3 tells even an anonymous HeadBucket whether the bucket exists and in
 * which Region, and clients ask it that way to find the Region of a bucket.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
 */
export async function refuseUnsigned(
  service: string,
  options: PipelineOptions,
  unsigned: Unsigned,
): Promise<AwsResponse> {
  const denied = errorResponse(service, refusal('unauthenticated', service), unsigned.requestId);
  const { head } = unsigned;
  const headBucket = service === 's3' && head.method === 'HEAD' && /^\/[^/]+\/?$/.test(head.rawPath);
  const served = options.services.s3;
  if (!headBucket || served === undefined) return logged(options, unsigned, service, denied);
  const asOwner = await served.serve(bucketQuestion(options, unsigned));
  const response =
    asOwner.status === 404
      ? asOwner
      : { ...denied, headers: { ...denied.headers, 'x-amz-bucket-region': options.region } };
  return logged(options, unsigned, service, response);
}

function bucketQuestion({ accountId, region }: PipelineOptions, { head, requestId }: Unsigned): AwsRequest {
  const arn = `arn:aws:iam::${accountId}:root`;
  return {
    method: 'HEAD',
    rawPath: head.rawPath,
    query: new Map(),
    headers: {},
    body: Buffer.alloc(0),
    trailers: {},
    caller: { accessKeyId: '', accountId, arn, userId: accountId },
    region,
    requestId,
  };
}

function logged(
  options: PipelineOptions,
  { head, requestId }: Unsigned,
  service: string,
  response: AwsResponse,
): AwsResponse {
  options.requests.record({
    service,
    operation: 'Unsigned',
    key: undefined,
    accessKeyId: undefined,
    method: head.method,
    path: head.rawPath,
    userAgent: head.headers['user-agent'],
    status: response.status,
    code: response.errorCode,
    requestId,
  });
  return response;
}
