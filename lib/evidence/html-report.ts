/**
 * One self-contained HTML page about checked evidence: no script, no outside resource, the same bytes for the same
 * evidence.
 */
import { createHash, type KeyObject } from 'node:crypto';
import path from 'node:path';
import type { EvidenceCheck } from './checked-evidence';
import { factsOf, type RunFacts } from './report-facts';
import { code, count, type Html, html } from './report-html';
import { type RecordedRun, readRuns } from './report-records';
import { rotationSections } from './report-sections';
import { REPORT_STYLE } from './report-style';

export interface EvidenceReport {
  readonly html: string;
  readonly check: EvidenceCheck;
}

/**
 * Checks evidence and creates its report. The report of evidence with faults starts with the faults.
 *
 * @param target - an evidence file or a directory of them.
 * @param publicKeys - the keys of every trusted signer: each run must be signed by one of them.
 * @throws KeyturnError `evidence-missing`
 */
export async function evidenceReport(target: string, publicKeys?: readonly KeyObject[]): Promise<EvidenceReport> {
  const { check, runs } = await readRuns(target, publicKeys);
  return { html: reportPage(check, runs), check };
}

/** The page itself. Pure. */
export function reportPage(check: EvidenceCheck, recorded: readonly RecordedRun[]): string {
  const runs = recorded.map(factsOf).sort((a, b) => ((a.openedAt ?? '') < (b.openedAt ?? '') ? -1 : 1));
  const rotations = [...new Set(runs.map((run) => run.rotation))].map(
    (rotation) => [rotation, runs.filter((run) => run.rotation === rotation)] as const,
  );
  const names = rotations.flatMap(([name]) => (name === undefined ? [] : [name])).join(', ');
  const title = names === '' ? 'Evidence' : `Evidence of ${names}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>`;
  const rest = html`</style>
</head>
<body>
<a class="skip" href="#report">Skip to the report</a>
<header><h1>${title}</h1>
${verdict(check, runs)}
</header>
<main id="report" tabindex="-1">
${rotations.map(([, own], at) => rotationSections(own, `rotation-${at + 1}`))}</main>
${footer(check)}
</body>
</html>
`;
  // The style contains no values, so it is not escaped, and its hash matches.
  return page.text + REPORT_STYLE + rest.text;
}

const STYLE_HASH = createHash('sha256').update(REPORT_STYLE).digest('base64');

/** Said first, because a hash chain alone convinces more than it proves. */
function notProven({ files }: EvidenceCheck): string {
  const all = 'that no run is missing: compare the heads below with those that you saved elsewhere';
  if (files.every(({ signature }) => signature === 'checked'))
    return `Every head is signed by a key that was given to this check. Not proven: ${all}.`;
  return `Not proven by this check: that nobody wrote all of it again, and ${all}, check the signatures with a public key, or compare with the locked bucket.`;
}

const FAULTS_SHOWN = 100;

function verdict(check: EvidenceCheck, runs: readonly RunFacts[]): Html {
  const what = `${count(check.records)} record(s) of ${count(runs.length)} run(s)`;
  if (check.faults.length === 0) {
    const gathered =
      check.beginnings > 1
        ? html`<p>${count(check.beginnings)} of the runs name no previous run: they come from several machines or rotations, or were added.</p>`
        : undefined;
    return html`<div class="verdict sound" role="status"><p><strong>Sound</strong></p><p>${notProven(check)}</p><p>${what}: every hash, every link between runs and every end of a run is correct.</p>${gathered}</div>`;
  }
  const more = check.faults.length - FAULTS_SHOWN;
  return html`<div class="verdict unsound" role="alert"><p><strong>Not sound: do not rely on this report</strong></p><p>${count(check.faults.length)} fault(s) in ${what}. The rest of this page shows the readable records; any of them may have been changed.</p><ul>${check.faults
    .slice(0, FAULTS_SHOWN)
    .map(
      (fault) =>
        html`<li>${code(`${path.basename(fault.file)}:${fault.line}`)} ${fault.problem} ${code(fault.code)}</li>`,
    )}${more > 0 ? html`<li>and ${count(more)} more</li>` : undefined}</ul></div>`;
}

function footer(check: EvidenceCheck): Html {
  return html`<footer><p>Heads of the evidence; compare them with those that you saved elsewhere:</p><ul>${check.files.map(
    (file) => html`<li>${code(file.head)} ${path.basename(file.file)}, ${count(file.records)} record(s)</li>`,
  )}</ul><p>This page shows the evidence; it is not the evidence itself. Check the files with ${code('npx keyturn verify-evidence')}, or with a shell as described in docs/evidence.md.</p></footer>`;
}
