import type { XmlElement } from '../../s3/wire/xml-reader';
import { branch, leaf } from '../../s3/wire/xml-writer';
import type { Job } from '../state/job';

export const CONTROL_NAMESPACE = 'http://awss3control.amazonaws.com/doc/2018-08-20/';

/** A whole answer: declaration, root element in S3 Control's namespace, children that are already written. */
export function controlDocument(root: string, ...children: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${CONTROL_NAMESPACE}">${children.join('')}</${root}>`;
}

const date = (name: string, time: number | undefined): string =>
  time === undefined ? '' : leaf(name, new Date(time).toISOString());

/** DescribeJob's `Job`: what was asked for as it came, and how far it is. */
export function jobXml(job: Job, now: number): string {
  const { request } = job;
  const { Operation, Report, Manifest, ManifestGenerator } = request.said;
  return branch(
    'Job',
    leaf('JobId', job.id),
    leaf('ConfirmationRequired', request.confirmationRequired),
    leaf('Description', request.description),
    leaf('JobArn', job.arn),
    leaf('Status', job.status),
    ...[Manifest, Operation].map(echo),
    leaf('Priority', job.priority),
    progressXml(job, now),
    leaf('StatusUpdateReason', job.statusReason),
    branch('FailureReasons', ...job.failures.map(failureXml)),
    echo(Report),
    date('CreationTime', job.created),
    date('TerminationDate', job.ended),
    leaf('RoleArn', request.roleArn),
    date('SuspendedDate', job.suspended),
    job.status === 'Suspended' ? leaf('SuspendedCause', 'AwaitingConfirmation') : '',
    echo(ManifestGenerator),
    generatedXml(job),
  );
}

/** ListJobs' member: less than DescribeJob tells. */
export function listedJobXml(job: Job, now: number): string {
  return branch(
    'member',
    leaf('JobId', job.id),
    leaf('Description', job.request.description),
    leaf('Operation', job.request.operation.name),
    leaf('Priority', job.priority),
    leaf('Status', job.status),
    date('CreationTime', job.created),
    date('TerminationDate', job.ended),
    progressXml(job, now),
  );
}

function progressXml(job: Job, now: number): string {
  const active = job.activeSince === undefined ? 0 : Math.floor(((job.ended ?? now) - job.activeSince) / 1000);
  return branch(
    'ProgressSummary',
    leaf('TotalNumberOfTasks', job.tasks?.length ?? 0),
    leaf('NumberOfTasksSucceeded', job.results.length - job.failedTasks),
    leaf('NumberOfTasksFailed', job.failedTasks),
    branch('Timers', leaf('ElapsedTimeInActiveSeconds', Math.max(0, active))),
  );
}

function failureXml({ code, reason }: Job['failures'][number]): string {
  return branch('member', leaf('FailureCode', code), leaf('FailureReason', reason.slice(0, 256)));
}

function generatedXml({ generated }: Job): string {
  if (generated === undefined) return '';
  return branch(
    'GeneratedManifestDescriptor',
    leaf('Format', 'S3InventoryReport_CSV_20211130'),
    branch('Location', leaf('ObjectArn', generated.objectArn), leaf('ETag', generated.etag)),
  );
}

/** @param member - the name of each tag's element */
export function tagsXml(tags: ReadonlyMap<string, string>, member: 'member' | 'Tag' = 'member'): string {
  return branch('Tags', ...[...tags].map(([key, value]) => branch(member, leaf('Key', key), leaf('Value', value))));
}

/** An element as it was read, without attributes. */
function echo(element: XmlElement | undefined): string {
  if (element === undefined) return '';
  return element.children.length === 0
    ? leaf(element.name, element.text)
    : branch(element.name, ...element.children.map(echo));
}
