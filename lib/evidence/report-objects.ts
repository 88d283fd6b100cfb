/** The parts of a report about the object versions of a rotation: what is blocked, what moved, what was verified. */
import { MOVES, moveBars, movesOf } from './report-drawings';
import type { RunFacts } from './report-facts';
import { code, count, type Html, html, table, time } from './report-html';

/** What evidence calls a key, in the words of the rotation file where they are known. */
export type NameOf = (keyArn: string | undefined) => string;

/** The blocked set as the last run left it: what an earlier one found may have moved since. */
export function blockedSection(runs: readonly RunFacts[]): Html {
  const passes = runs.findLast((run) => run.passes.length > 0)?.passes ?? [];
  const total = passes.reduce((sum, pass) => sum + pass.blockedTotal, 0);
  if (passes.length === 0) return html``;
  if (total === 0) return html`<h3>Blocked</h3><p>No object version is blocked.</p>`;
  const rows = passes.flatMap((pass) => pass.blocked.map((one) => ({ bucket: pass.bucket, ...one })));
  rows.sort((a, b) => (a.earliest ?? '9').localeCompare(b.earliest ?? '9'));
  const listed =
    rows.length < total ? html`<p>The first ${count(rows.length)} of ${count(total)} are listed.</p>` : undefined;
  return html`<h3>Blocked</h3>${listed}${table({
    caption: 'Object versions that could not be moved in the last run, by the earliest date they can be',
    head: ['bucket', 'key', 'version', 'earliest', 'why'],
    rows: rows.map((one) => [
      one.bucket,
      code(one.key),
      code(one.versionId),
      one.earliest === undefined ? 'no date known' : time(one.earliest),
      html`${one.detail ?? ''} ${code(one.reason)}`,
    ]),
  })}`;
}

export function moveSection(runs: readonly RunFacts[]): Html {
  const passes = runs.flatMap((run) => run.passes.map((pass) => ({ at: run.openedAt, pass })));
  if (passes.length === 0) return html``;
  // A pass that found all in its place has nothing to draw; the table has it.
  const drawn = passes.map((one) => one.pass).filter((pass) => pass.moved + pass.blockedTotal + pass.failedTotal > 0);
  const drawing = moveBars(drawn);
  return html`<h3>What moved, and how</h3>
${drawing && html`<figure><figcaption>Object versions of each bucket, of the runs that moved something or could not.</figcaption>${drawing}</figure>`}
${table({
  caption: 'Re-encryption of each bucket, by run',
  head: ['run', 'bucket', 'method', ...MOVES.map((one) => one.words), 'bytes moved', 'requests'],
  numeric: [3, 4, 5, 6, 7, 8, 9],
  rows: passes.map(({ at, pass }) => [
    time(at),
    pass.bucket,
    pass.engine === 'batch' ? `${pass.method} by jobs` : pass.method,
    ...MOVES.map(({ kind }) => count(movesOf(pass)[kind])),
    count(pass.movedBytes),
    count(pass.requests),
  ]),
})}
${table({
  caption: 'Object versions that failed; the next run tries them again',
  head: ['run', 'bucket', 'key', 'version', 'why'],
  rows: passes.flatMap(({ at, pass }) =>
    pass.failed.map((one) => [time(at), pass.bucket, code(one.key), code(one.versionId), one.reason]),
  ),
})}
${table({
  caption: 'Files with the outcome of each object version',
  head: ['file', 'lines', 'SHA-256'],
  numeric: [1],
  rows: passes.flatMap(({ pass }) =>
    pass.evidence.map((one) => [code(one.file.split(/[\\/]/).at(-1)), count(one.lines), code(one.sha256)]),
  ),
})}`;
}

export function verifySection(runs: readonly RunFacts[], nameOf: NameOf): Html {
  const verified = runs.flatMap((run) => run.verified);
  if (verified.length === 0) return html``;
  const label = (key: string) => nameOf(key.replace(/^DSSE:/, '')) + (key.startsWith('DSSE:') ? ' (dual layer)' : '');
  return html`<h3>Verification</h3>${table({
    caption: 'From a listing and HEADs of its own: under which key the object versions of each bucket were',
    head: ['begun', 'bucket', 'versions', 'under', 'left', 'unknown', 'open uploads', 'read in full'],
    numeric: [2, 4, 5, 6, 7],
    rows: verified.map((one) => [
      time(one.at),
      one.bucket,
      count(one.objectVersions),
      Object.entries(one.byKey).map(
        ([key, number], at) => html`${at === 0 ? '' : ', '}${label(key)}: ${count(number)}`,
      ),
      count(one.leftTotal),
      count(one.unknownTotal),
      count(one.openUploadsTotal),
      count(one.read.versions),
    ]),
  })}
${table({
  caption: 'What each verification stands on',
  head: ['begun', 'bucket', 'sources'],
  rows: verified.map((one) => [time(one.at), one.bucket, standsOn(one, nameOf)]),
})}`;
}

/** What a verification looked at itself, and what it took from a manifest that S3 made. */
function standsOn({ sources, objectVersions }: RunFacts['verified'][number], nameOf: NameOf): Html {
  if (!sources) return html`HEAD of ${count(objectVersions)}: every version`;
  const heads = Object.entries(sources.heads).map(([why, number]) => html`<li>HEAD of ${count(number)}: ${why}</li>`);
  const manifests = sources.generated.map(
    (one) =>
      html`<li>manifest of what is under ${nameOf(one.underKeyArn)}, generated by S3: ${count(one.rows)} row(s), job ${code(one.jobId)}</li>`,
  );
  const rest =
    sources.notInspected > 0
      ? html`<li>${count(sources.notInspected)} not inspected: only the manifests account for them</li>`
      : undefined;
  const disagreed =
    sources.disagreementsTotal > 0
      ? html`<li>${count(sources.disagreementsTotal)} where a source disagreed; the HEAD counts</li>`
      : undefined;
  const because = sources.because === undefined ? undefined : html`<li>${sources.because}</li>`;
  return html`<ul>${heads}${manifests}${rest}${disagreed}${because}</ul>`;
}
