import type { AwsRequest } from '../message';
import type { Need } from '../need';
import type { ControlHandler } from './call';
import { ControlFault } from './fault';
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

/** Method and path after `/v20180820/jobs`, `{id}` for the job. */
const ROUTES: Readonly<Record<string, Route>> = {
  'POST ': { operation: 'CreateJob', handler: createJob, parameters: [] },
  'GET ': { operation: 'ListJobs', handler: listJobs, parameters: ['jobStatuses', 'maxResults', 'nextToken'] },
  'GET /{id}': { operation: 'DescribeJob', handler: describeJob, parameters: [] },
  'POST /{id}/status': {
    operation: 'UpdateJobStatus',
    handler: updateJobStatus,
    parameters: ['requestedJobStatus', 'statusUpdateReason'],
  },
  'POST /{id}/priority': { operation: 'UpdateJobPriority', handler: updateJobPriority, parameters: ['priority'] },
  'GET /{id}/tagging': { operation: 'GetJobTagging', handler: getJobTagging, parameters: [] },
  'PUT /{id}/tagging': { operation: 'PutJobTagging', handler: putJobTagging, parameters: [] },
  'DELETE /{id}/tagging': { operation: 'DeleteJobTagging', handler: deleteJobTagging, parameters: [] },
};

/** AWS's names of all operations served here, sorted. */
export const controlOperations: readonly string[] = Object.values(ROUTES)
  .map(({ operation }) => operation)
  .sort();

const PATH = /^\/v20180820\/jobs(?:\/([^/]+)(\/status|\/priority|\/tagging)?)?$/;

/** The operation that a request asks for, and the job it names (`''` for none). */
export function routeOf(request: AwsRequest): { readonly route: Route | undefined; readonly jobId: string } {
  const match = PATH.exec(request.rawPath);
  if (match === null) return { route: undefined, jobId: '' };
  const [, id, rest = ''] = match;
  const route = ROUTES[`${request.method} ${id === undefined ? '' : `/{id}${rest}`}`];
  return { route, jobId: id === undefined ? '' : decodeURIComponent(id) };
}

/**
 * What a request needs: the action of its name for the job, and for CreateJob what it hands on.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
 */
export function controlNeeds(operation: string, request: AwsRequest, jobArn: (id: string) => string): readonly Need[] {
  const { route, jobId } = routeOf(request);
  if (route === undefined) return [];
  const own = { action: `s3:${operation}`, resource: jobId === '' ? '*' : jobArn(jobId) };
  return operation === 'CreateJob' ? [own, ...handedOn(request, jobArn)] : [own];
}

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
