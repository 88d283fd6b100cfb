/** What a report shows of access: who would lose it by a switch, and who failed once a key was disabled. */
import type { RunFacts } from './report-facts';
import { code, count, type Html, html, table, time } from './report-html';

export function accessSection(runs: readonly RunFacts[]): Html {
  const compared = runs.flatMap((run) => run.access);
  const failed = runs.flatMap((run) =>
    run.watched.flatMap(({ at, version, failures }) => failures.map((one) => ({ at, version, ...one }))),
  );
  if (compared.length + failed.length === 0) return html``;
  return html`<h3>Access</h3>${table({
    caption: 'Before each switch: who may use the old key and not the new one',
    head: ['compared', 'from', 'to', 'findings', 'waived', 'not read'],
    numeric: [3],
    rows: compared.map((one) => [
      time(one.at),
      one.from.version,
      one.to.version,
      count(one.findings),
      listed(
        one.waived.map(({ who, operation, waiver }) => `${who}, ${operation}: until ${waiver.until}, ${waiver.reason}`),
      ),
      listed(one.unread),
    ]),
  })}${table({
    caption: 'Who failed because a key was disabled, before it was enabled again',
    head: ['found', 'version', 'who', 'call', 'bucket', 'times', 'last'],
    numeric: [5],
    rows: failed.map((one) => [
      time(one.at),
      one.version,
      code(one.who),
      one.operation,
      one.bucket ?? 'none',
      count(one.count),
      time(one.last),
    ]),
  })}`;
}

const listed = (items: readonly string[]): Html =>
  items.length === 0 ? html`nothing` : html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
