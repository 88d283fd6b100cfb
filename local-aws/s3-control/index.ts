import type { Faults } from '../faults';
import type { Roles } from '../iam/roles';
import type { AwsRequest, AwsResponse, Clock } from '../message';
import type { Permissions } from '../permissions';
import type { Requests } from '../requests';
import type { S3 } from '../s3';
import type { Served } from '../transport/served';
import type { Control } from './call';
import { ControlFault, controlError, notServed } from './fault';
import { createJobs, createNeeds, defaultPace, type Jobs } from './jobs';
import { checkJobId } from './operations/read-jobs';
import { roleTaker } from './roles';
import { controlNeeds, routeOf } from './routes';
import { createActing } from './run/acting';
import { createEngine } from './run/engine';
import type { ManifestSettings } from './run/prepare';
import type { ReportColumns } from './run/report';
import { JobRegistry } from './state/jobs';

export type { Jobs } from './jobs';
export { controlOperations } from './routes';
export type { JobStatus } from './state/job';

/** Where AWS does not say what it does, both ways can be had. */
export interface BatchSettings extends ManifestSettings {
  /** Order of error code and HTTP status in the rows of reports. Default: as in AWS's examples. */
  readonly reportColumns?: ReportColumns;
  /** Whether CreateJob refuses a role that cannot be assumed, or the job fails. Default: `create`. */
  readonly roleCheck?: Control['roleCheck'];
}

export interface S3ControlOptions {
  readonly clock: Clock;
  readonly accountId: string;
  readonly region: string;
  readonly s3: Pick<S3, 'listed' | 'bucketTags'>;
  readonly servedS3: Served;
  readonly permissions: Permissions;
  readonly faults: Pick<Faults, 'strike'>;
  readonly requests: Pick<Requests, 'record'>;
  readonly roles: Pick<Roles, 'assume'>;
  readonly settings: BatchSettings;
}

/** S3 Control, of which the jobs of S3 Batch Operations, the tags of buckets and the account's block of public access are served. */
export interface S3Control {
  readonly served: Served;
  readonly jobs: Jobs;
  /** Ends the work in the background. */
  stop(): void;
}

export function createS3Control(options: S3ControlOptions): S3Control {
  const { clock, accountId, region, settings } = options;
  const takeRole = roleTaker(options.roles, accountId);
  const registry = new JobRegistry(clock, { accountId, region });
  const needs = createNeeds();
  const acting = createActing({ ...options, s3: options.servedS3, onNeeds: needs.add });
  const pace = { ...defaultPace };
  const engine = createEngine({
    registry,
    takeRole,
    region,
    clock,
    pace,
    acting,
    settings,
    listed: options.s3.listed,
    reportColumns: settings.reportColumns ?? 'as-examples',
  });
  const control: Control = {
    accountId,
    region,
    clock,
    registry,
    engine,
    takeRole,
    bucketTags: options.s3.bucketTags,
    account: { publicAccess: undefined },
    roleCheck: settings.roleCheck ?? 'create',
  };
  const jobArn = (id: string): string => `arn:aws:s3:${region}:${accountId}:job/${id}`;
  return {
    served: {
      name: (request) => ({
        operation: routeOf(request).route?.operation ?? 'Unknown',
        key: routeOf(request).jobId || undefined,
      }),
      needs: (operation, request) => controlNeeds(operation, request, jobArn),
      denied: ({ action, resource }, { caller, requestId }) =>
        controlError(
          'AccessDenied',
          `User: ${caller.arn} is not authorized to perform: ${action} on resource: "${resource}" because no identity-based policy allows the ${action} action`,
          403,
          requestId,
        ),
      serve: (request) => answer(control, request),
    },
    jobs: createJobs(pace, engine, registry, needs.all),
    stop: engine.stop,
  };
}

function answer(control: Control, request: AwsRequest): AwsResponse {
  try {
    const response = dispatch(control, request);
    return { ...response, headers: { 'x-amz-request-id': request.requestId, ...response.headers } };
  } catch (error) {
    if (!(error instanceof ControlFault)) throw error;
    return controlError(error.code, error.message, error.status, request.requestId);
  }
}

function dispatch(control: Control, request: AwsRequest): AwsResponse {
  const { route, jobId, resourceArn } = routeOf(request);
  if (route === undefined) throw notServed(`${request.method} ${request.rawPath}`);
  for (const name of request.query.keys()) {
    if (name !== 'x-id' && !route.parameters.includes(name)) throw notServed(`The parameter ${name}`);
  }
  checkHeaders(request);
  if (request.headers['x-amz-account-id'] !== control.accountId || request.caller.accountId !== control.accountId)
    throw new ControlFault('AccessDenied', 'Access Denied');
  if (jobId !== '') checkJobId(jobId);
  return route.handler({ control, request, jobId, resourceArn });
}

/** Headers of the signature and the client, and the account. Any other `x-amz-` header would ask for something. */
const KNOWN = /^x-amz-(account-id|content-sha256|date|security-token|user-agent)$/;

function checkHeaders({ headers }: AwsRequest): void {
  for (const name in headers) {
    if (name.startsWith('x-amz-') && !KNOWN.test(name)) throw notServed(`The header ${name}`);
  }
}
