import type { AwsRequest, AwsResponse } from '../message';
import { errorResponse } from '../wire/errors';
import { refusal } from '../wire/refusal';
import type { PipelineOptions } from './pipeline-options';
import type { ReceivedRequest } from './received-request';
import { record, unnamed } from './request-log';

/**
 * Nobody gets anything without a signature. But S3 tells even an anonymous HeadBucket whether the bucket exists and in
 * which Region, and clients ask it that way to find the Region of a bucket.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
 */
export async function refuseUnsigned(
  service: string,
  options: PipelineOptions,
  incoming: ReceivedRequest,
): Promise<AwsResponse> {
  const denied = errorResponse(service, refusal('unauthenticated', service), incoming.requestId);
  const { head } = incoming;
  const headBucket = service === 's3' && head.method === 'HEAD' && /^\/[^/]+\/?$/.test(head.rawPath);
  const served = options.services.s3;
  if (!headBucket || served === undefined) return logged(options, incoming, service, denied);
  const asked = decodeURIComponent(head.rawPath.replaceAll('/', ''));
  const place = options.placed(asked);
  if (place === undefined) return logged(options, incoming, service, await served.serve(bucketQuestion(incoming)));
  const headers = { ...denied.headers, 'x-amz-bucket-region': place.region };
  return logged(options, incoming, service, { ...denied, headers });
}

function bucketQuestion({ head, requestId }: ReceivedRequest): AwsRequest {
  return {
    method: 'HEAD',
    rawPath: head.rawPath,
    query: new Map(),
    headers: {},
    body: Buffer.alloc(0),
    trailers: {},
    caller: { accessKeyId: '', accountId: '', arn: '', userId: '' },
    region: '',
    requestId,
  };
}

function logged(
  { requests }: PipelineOptions,
  incoming: ReceivedRequest,
  service: string,
  response: AwsResponse,
): AwsResponse {
  record(requests, incoming, unnamed(service, 'Unsigned'), response);
  return response;
}
