import { randomBytes } from 'node:crypto';
import type { AwsResponse } from '../message';
import { controlError } from '../s3-control/fault';
import type { Refusal } from './refusal';
import { xmlElements } from './xml';

const stsNamespace = 'https://sts.amazonaws.com/doc/2011-06-15/';
export const iamNamespace = 'https://iam.amazonaws.com/doc/2010-05-08/';

/** An error in the protocol of the service it concerns: JSON 1.1 for KMS and CloudTrail, query XML for STS and IAM, S3's XML for the rest. */
export function errorResponse(service: string, error: Refusal, requestId: string): AwsResponse {
  const { code, status, message } = error;
  if (service === 'kms' || service === 'cloudtrail') return jsonError(code, message, status, requestId);
  if (service === 's3control') return controlError(code, message, status, requestId);
  if (service === 'sts') return queryError(code, message, status, requestId);
  if (service === 'iam') return queryError(code, message, status, requestId, iamNamespace);
  const hostId = randomBytes(48).toString('base64');
  const elements = { Code: code, Message: message, ...error.elements, RequestId: requestId, HostId: hostId };
  return {
    status,
    errorCode: code,
    headers: {
      'content-type': 'application/xml',
      'x-amz-request-id': requestId,
      'x-amz-id-2': hostId,
      ...error.headers,
    },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${xmlElements(elements)}</Error>`,
  };
}

/** The awsJson1.1 error document. KMS leaves the message out where it has nothing to say. */
export function jsonError(code: string, message: string, status: number, requestId: string): AwsResponse {
  return {
    status,
    errorCode: code,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': code,
      'cache-control': 'no-cache, no-store, must-revalidate, private',
    },
    body: JSON.stringify(message === '' ? { __type: code } : { __type: code, message }),
  };
}

/** The error document of the query protocol, in STS's namespace unless another is given. */
export function queryError(
  code: string,
  message: string,
  status: number,
  requestId: string,
  namespace = stsNamespace,
): AwsResponse {
  const error = xmlElements({ Type: status >= 500 ? 'Receiver' : 'Sender', Code: code, Message: message });
  return {
    status,
    errorCode: code,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: `<ErrorResponse xmlns="${namespace}"><Error>${error}</Error>${xmlElements({ RequestId: requestId })}</ErrorResponse>`,
  };
}
