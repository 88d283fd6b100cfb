/** The part of a report about jobs of S3 Batch Operations: their recorded specifications and their results. */
import type { JobFacts, RunFacts } from './report-facts';
import { code, count, type Html, html, table, time } from './report-html';

export function jobSection(runs: readonly RunFacts[]): Html {
  const seen = runs.flatMap((run) =>
    run.passes.flatMap((pass) => pass.jobs.map((job) => ({ at: run.openedAt, bucket: pass.bucket, job }))),
  );
  const specs = runs.flatMap((run) => run.specs);
  if (seen.length + specs.length === 0) return html``;
  return html`<h3>Jobs of S3 Batch Operations</h3>${table({
    caption: 'Job specifications, recorded before the jobs were created; the records contain the full text',
    head: ['recorded', 'bucket', 'description', 'role', 'SHA-256'],
    rows: specs.map((one) => [
      time(one.at),
      one.bucket,
      one.spec.Description,
      code(one.spec.RoleArn),
      code(one.specSha256.slice(0, 16)),
    ]),
  })}
${table({
  caption: 'Jobs as observed by a run; a complete job can have failed tasks',
  head: ['run', 'job', 'state', 'tasks', 'succeeded', 'failed', 'created, ended', 'specification'],
  numeric: [3, 4, 5],
  rows: seen.map(({ at, bucket, job }) => [
    time(at),
    html`${id(job)}<br>${bucket}, attempt ${job.attempt} ${job.part ?? ''}`,
    state(job),
    count(job.total),
    count(job.succeeded),
    count(job.failed),
    html`${time(job.createdAt)}<br>${time(job.endedAt)}`,
    job.specSha256 === undefined ? 'by another run' : code(job.specSha256.slice(0, 16)),
  ]),
})}
${table({
  caption: 'Job reports; the hash of each file was checked before its rows were used',
  head: ['job', 'file', 'rows', 'hash'],
  numeric: [2],
  rows: seen.flatMap(({ job }) => reportRows(job)),
})}`;
}

/** Breaks only at hyphens, so that a person can compare it. */
function id({ jobId }: Pick<JobFacts, 'jobId'>): Html {
  return html`<code class="id">${jobId}</code>`;
}

function state({ status, failureReasons, foundNothing }: JobFacts): Html {
  if (foundNothing) return html`<span class="mark good">nothing to do</span>`;
  const kind = status === 'Complete' ? 'good' : status === 'Failed' || status === 'Cancelled' ? 'bad' : 'wait';
  const why = failureReasons.length === 0 ? undefined : html` ${failureReasons.join('; ')}`;
  return html`<span class="mark ${kind}">${status}</span>${why}`;
}

function reportRows({ jobId, report }: JobFacts) {
  if (!report) return [];
  const errors = Object.entries(report.errors).map(([name, number]) => `${count(number)} ${name}`);
  return [
    [
      id({ jobId }),
      html`${code(report.manifestKey)}${errors.length > 0 ? html` failed tasks: ${errors.join(', ')}` : undefined}`,
      '',
      html`SHA-256 ${code(report.manifestSha256)}`,
    ],
    ...report.files.map((one) => [id({ jobId }), code(one.key), count(one.rows), html`MD5 ${code(one.md5)}`]),
  ];
}
