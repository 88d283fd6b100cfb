import { branch, leaf } from '../../s3/wire/xml-writer';
import { parseQuery } from '../../signature/encoding';
import { type ControlCall, xmlAnswer } from '../call';
import { badRequest, ControlFault } from '../fault';
import { JOB_STATUSES, type Job } from '../state/job';
import { controlDocument, jobXml, listedJobXml } from '../wire/job-xml';

const MOST_RESULTS = 1000;

/** DescribeJob. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_DescribeJob.html */
export function describeJob({ control, jobId }: ControlCall) {
  return xmlAnswer(controlDocument('DescribeJobResult', jobXml(control.registry.find(jobId), control.clock.now())));
}

/** ListJobs, newest first. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListJobs.html */
export function listJobs({ control, request }: ControlCall) {
  const wanted = statusesOf(request.rawQuery ?? '');
  const most = resultsOf(request.query.get('maxResults'));
  const jobs = control.registry.all().filter(({ status }) => wanted.length === 0 || wanted.includes(status));
  const from = startOf(request.query.get('nextToken'));
  const at = from === undefined ? 0 : placeOf(jobs, from);
  const page = jobs.slice(at, at + most);
  const following = jobs[at + most];
  const token = following && Buffer.from(`${following.created}:${following.id}`).toString('base64');
  const now = control.clock.now();
  return xmlAnswer(
    controlDocument(
      'ListJobsResult',
      leaf('NextToken', token),
      branch('Jobs', ...page.map((job) => listedJobXml(job, now))),
    ),
  );
}

/** The parameter is repeated, once for each status. */
function statusesOf(rawQuery: string): readonly string[] {
  const given = parseQuery(rawQuery).flatMap(([name, value]) => (name === 'jobStatuses' ? [value] : []));
  for (const status of given) {
    if (!JOB_STATUSES.some((known) => known === status))
      throw new ControlFault('InvalidRequestException', `jobStatuses ${status} is not the status of a job.`);
  }
  return given;
}

function resultsOf(given: string | undefined): number {
  if (given === undefined) return MOST_RESULTS;
  if (!/^\d{1,4}$/.test(given) || Number(given) > MOST_RESULTS)
    throw new ControlFault('InvalidRequestException', `maxResults ${given} is not between 0 and ${MOST_RESULTS}.`);
  return Number(given) || MOST_RESULTS;
}

/** Where a page begins: at the job the token names, or where it was before it was deleted. */
function placeOf(jobs: readonly Job[], from: { readonly created: number; readonly id: string }): number {
  const named = jobs.findIndex(({ id }) => id === from.id);
  if (named >= 0) return named;
  const older = jobs.findIndex(({ created }) => created < from.created);
  return older >= 0 ? older : jobs.length;
}

function startOf(token: string | undefined): { readonly created: number; readonly id: string } | undefined {
  if (token === undefined) return undefined;
  const [created = '', id = ''] = Buffer.from(token, 'base64').toString('utf8').split(':');
  if (!/^\d+$/.test(created) || !/^[0-9a-f-]{36}$/.test(id))
    throw new ControlFault('InvalidNextTokenException', 'The NextToken is not one that ListJobs gave.');
  return { created: Number(created), id };
}

/** @throws ControlFault `BadRequestException` for what can be no job ID. */
export function checkJobId(id: string): void {
  if (!/^[a-zA-Z0-9\-_]{5,36}$/.test(id)) throw badRequest('JobId', `is ${id}, which is not the ID of a job`);
}
