import type { AwsRequest } from '../message';
import type { Need } from '../need';
import { decodePath } from '../s3/wire/target';
import type { ControlHandler } from './call';
import { ControlFault } from './fault';
import {
  deleteAccountPublicAccess,
  getAccountPublicAccess,
  putAccountPublicAccess,
} from './operations/account-public-access';
import { listTagsForResource, tagResource, untagResource } from './operations/bucket-tags';
import { createJob } from './operations/create-job';
import { deleteJobTagging, getJobTagging, putJobTagging } from './operations/job-tagging';
import { describeJob, listJobs } from './operations/read-jobs';
import { updateJobPriority, updateJobStatus } from './operations/update-job';
import { readJobRequest } from './wire/job-request';

/** An operation, with the query parameters it reads. */
export interface Route {
  readonly operation: string;
  readonly handler: ControlHandler;
  readonly parameters: readonly string[];
}

/** Method and path after `/v20180820`, `{id}` for the job, `{arn}` for the resource. */
const ROUTES: Readonly<Record<string, Route>> = {
  'POST /jobs': { operation: 'CreateJob', handler: createJob, parameters: [] },
  'GET /jobs': { operation: 'ListJobs', handler: listJobs, parameters: ['jobStatuses', 'maxResults', 'nextToken'] },
  'GET /jobs/{id}': { operation: 'DescribeJob', handler: describeJob, parameters: [] },
  'POST /jobs/{id}/status': {
    operation: 'UpdateJobStatus',
    handler: updateJobStatus,
    parameters: ['requestedJobStatus', 'statusUpdateReason'],
  },
  'POST /jobs/{id}/priority': { operation: 'UpdateJobPriority', handler: updateJobPriority, parameters: ['priority'] },
  'GET /jobs/{id}/tagging': { operation: 'GetJobTagging', handler: getJobTagging, parameters: [] },
  'PUT /jobs/{id}/tagging': { operation: 'PutJobTagging', handler: putJobTagging, parameters: [] },
  'DELETE /jobs/{id}/tagging': { operation: 'DeleteJobTagging', handler: deleteJobTagging, parameters: [] },
  'GET /configuration/publicAccessBlock': {
    operation: 'GetPublicAccessBlock',
    handler: getAccountPublicAccess,
    parameters: [],
  },
  'PUT /configuration/publicAccessBlock': {
    operation: 'PutPublicAccessBlock',
    handler: putAccountPublicAccess,
    parameters: [],
  },
  'DELETE /configuration/publicAccessBlock': {
    operation: 'DeletePublicAccessBlock',
    handler: deleteAccountPublicAccess,
    parameters: [],
  },
  'GET /tags/{arn}': { operation: 'ListTagsForResource', handler: listTagsForResource, parameters: [] },
  'POST /tags/{arn}': { operation: 'TagResource', handler: tagResource, parameters: [] },
  'DELETE /tags/{arn}': { operation: 'UntagResource', handler: untagResource, parameters: ['tagKeys'] },
};

/** AWS's names of all operations served here, sorted. */
export const controlOperations: readonly string[] = Object.values(ROUTES)
  .map(({ operation }) => operation)
  .sort();

const JOBS = /^\/v20180820\/jobs(?:\/([^/]+)(\/status|\/priority|\/tagging)?)?$/;
const TAGS = /^\/v20180820\/tags\/(.+)$/;

/** What a request asks for: `''` for a job or a resource that it does not name. */
export interface Routed {
  readonly route: Route | undefined;
  readonly jobId: string;
  readonly resourceArn: string;
}

export function routeOf({ method, rawPath }: AwsRequest): Routed {
  const resource = TAGS.exec(rawPath)?.[1];
  if (resource !== undefined) {
    return { route: ROUTES[`${method} /tags/{arn}`], jobId: '', resourceArn: decodePath(resource) };
  }
  const match = JOBS.exec(rawPath);
  if (match === null) {
    const path = rawPath.replace(/^\/v20180820/, '');
    return {
      route: path.startsWith('/configuration/') ? ROUTES[`${method} ${path}`] : undefined,
      jobId: '',
      resourceArn: '',
    };
  }
  const [, id, rest = ''] = match;
  const route = ROUTES[`${method} /jobs${id === undefined ? '' : `/{id}${rest}`}`];
  return { route, jobId: id === undefined ? '' : decodePath(id), resourceArn: '' };
}

/**
 * What a request needs: the action of its name for the job, and for CreateJob what it hands on.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
 */
export function controlNeeds(operation: string, request: AwsRequest, jobArn: (id: string) => string): readonly Need[] {
  const { route, jobId, resourceArn } = routeOf(request);
  if (route === undefined) return [];
  const own = {
    action: ACTIONS[operation] ?? `s3:${operation}`,
    resource: resourceArn || (jobId === '' ? '*' : jobArn(jobId)),
  };
  return operation === 'CreateJob' ? [own, ...handedOn(request, jobArn)] : [own];
}

/** Actions that have another name than the operation. */
const ACTIONS: Readonly<Record<string, string>> = {
  GetPublicAccessBlock: 's3:GetAccountPublicAccessBlock',
  PutPublicAccessBlock: 's3:PutAccountPublicAccessBlock',
  DeletePublicAccessBlock: 's3:PutAccountPublicAccessBlock',
};

/** A body that cannot be read needs nothing more: it is refused. */
function handedOn(request: AwsRequest, jobArn: (id: string) => string): readonly Need[] {
  try {
    const { roleArn, tags } = readJobRequest(request.body);
    const pass = { action: 'iam:PassRole', resource: roleArn };
    return tags.size === 0 ? [pass] : [pass, { action: 's3:PutJobTagging', resource: jobArn('*') }];
  } catch (error) {
    if (error instanceof ControlFault) return [];
    throw error;
  }
}
