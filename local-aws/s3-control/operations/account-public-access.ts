import type { AwsResponse } from '../../message';
import { xmlElements } from '../../wire/xml';
import { type ControlCall, xmlAnswer } from '../call';
import { ControlFault } from '../fault';
import { controlDocument } from '../wire/job-xml';
import { bool, optional, readRoot, structure } from '../wire/reader';

const readConfiguration = structure({
  BlockPublicAcls: optional(bool),
  IgnorePublicAcls: optional(bool),
  BlockPublicPolicy: optional(bool),
  RestrictPublicBuckets: optional(bool),
});

/** GetPublicAccessBlock of the account. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html */
export function getAccountPublicAccess({ control }: ControlCall): AwsResponse {
  const block = control.account.publicAccess;
  if (block === undefined) {
    throw new ControlFault(
      'NoSuchPublicAccessBlockConfiguration',
      'The public access block configuration was not found',
    );
  }
  const members = Object.fromEntries(Object.entries(block).map(([name, value]) => [name, String(value)]));
  return xmlAnswer(controlDocument('PublicAccessBlockConfiguration', xmlElements(members)));
}

/**
 * PutPublicAccessBlock of the account: what is left out is false. It is stored; buckets decide by their own.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html
 */
export function putAccountPublicAccess({ control, request }: ControlCall): AwsResponse {
  const root = readRoot(request.body, 'PublicAccessBlockConfiguration');
  const wanted = readConfiguration(root, 'PublicAccessBlockConfiguration');
  control.account.publicAccess = {
    BlockPublicAcls: wanted.BlockPublicAcls ?? false,
    IgnorePublicAcls: wanted.IgnorePublicAcls ?? false,
    BlockPublicPolicy: wanted.BlockPublicPolicy ?? false,
    RestrictPublicBuckets: wanted.RestrictPublicBuckets ?? false,
  };
  return { status: 201 };
}

/** DeletePublicAccessBlock of the account. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_DeletePublicAccessBlock.html */
export function deleteAccountPublicAccess({ control }: ControlCall): AwsResponse {
  control.account.publicAccess = undefined;
  return { status: 204 };
}
