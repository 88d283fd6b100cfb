import type { AwsRequest, AwsResponse, Clock } from '../message';
import type { S3 } from '../s3';
import type { TakeRole } from './roles';
import type { Engine } from './run/engine';
import type { JobRegistry } from './state/jobs';

/** The block of public access for a whole account. */
export interface PublicAccess {
  readonly BlockPublicAcls: boolean;
  readonly IgnorePublicAcls: boolean;
  readonly BlockPublicPolicy: boolean;
  readonly RestrictPublicBuckets: boolean;
}

/** What every operation works on. */
export interface Control {
  readonly accountId: string;
  readonly region: string;
  readonly clock: Clock;
  readonly registry: JobRegistry;
  readonly engine: Engine;
  readonly takeRole: TakeRole;
  readonly bucketTags: S3['bucketTags'];
  /** Settings of the account; undefined: never set. */
  readonly account: { publicAccess: PublicAccess | undefined };
  /** When a role whose trust is wrong is noticed. AWS does not say. */
  readonly roleCheck: 'create' | 'run';
}

/** One request, its job's ID or the ARN of its resource taken from the path (`''` where it has none). */
export interface ControlCall {
  readonly control: Control;
  readonly request: AwsRequest;
  readonly jobId: string;
  readonly resourceArn: string;
}

export type ControlHandler = (call: ControlCall) => AwsResponse;

export function xmlAnswer(body: string): AwsResponse {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}
