import type { AwsResponse } from '../message';
import { xmlElements } from '../wire/xml';

/**
 * The errors that S3 Control's model names for jobs, and those common to all requests, with their HTTP status. The model
 * gives no status of its own: a client's fault is 400 unless the name says otherwise.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html
 */
const CODES = {
  AccessDenied: 403,
  BadRequestException: 400,
  IdempotencyException: 400,
  InternalServiceException: 500,
  InvalidNextTokenException: 400,
  InvalidRequestException: 400,
  JobStatusException: 400,
  MethodNotAllowed: 405,
  NoSuchPublicAccessBlockConfiguration: 404,
  NotFoundException: 404,
  NotImplemented: 501,
  TooManyRequestsException: 503,
  TooManyTagsException: 400,
} as const satisfies Record<string, number>;

/** An error that S3 Control answers with. */
export class ControlFault extends Error {
  override readonly name = 'ControlFault';
  readonly code: keyof typeof CODES;
  readonly status: number;

  constructor(code: keyof typeof CODES, message: string) {
    super(message);
    this.code = code;
    this.status = CODES[code];
  }
}

/** A request that does not hold to the model; `path` is the element, `CreateJobRequest.Report.Prefix`. */
export function badRequest(path: string, fault: string): ControlFault {
  return new ControlFault('BadRequestException', `${path} ${fault}`);
}

/** What is not built here answers 501 and its name, so that nobody takes a silent 200 for a feature. */
export function notServed(what: string): ControlFault {
  return new ControlFault('NotImplemented', `${what} is not implemented by this endpoint`);
}

/** The error document: REST-XML with the wrapper that S3 itself goes without. */
export function controlError(code: string, message: string, status: number, requestId: string): AwsResponse {
  const error = xmlElements({ Type: status >= 500 ? 'Receiver' : 'Sender', Code: code, Message: message });
  return {
    status,
    errorCode: code,
    headers: { 'content-type': 'application/xml', 'x-amz-request-id': requestId, 'x-amzn-requestid': requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse><Error>${error}</Error>${xmlElements({ RequestId: requestId })}</ErrorResponse>`,
  };
}
