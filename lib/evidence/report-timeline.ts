/** The last section of a report about one rotation: every record in its order. */
import type { RunFacts } from './report-facts';
import { code, type Html, html, table, time } from './report-html';

/** One row per record; the file has all facts. */
export function timeline(runs: readonly RunFacts[]): Html {
  const rows = merged(runs.map((run) => run.recorded.records)).map((record) => [
    time(record.at),
    record.step,
    record.type,
    said(record),
    code(record.hash.slice(0, 12)),
  ]);
  return html`<h3>Timeline</h3>${table({
    caption: 'All records in the order in which they were written',
    head: ['at', 'step', 'record', 'summary', 'hash'],
    rows,
  })}`;
}

/** Records of runs that ran beside one another, by their time; those of one run stay in their order whatever its clock did. */
function merged<R extends { readonly at: string }>(runs: readonly (readonly R[])[]): readonly R[] {
  const left = runs.map((records) => ({ records, next: 0 }));
  const all: R[] = [];
  for (;;) {
    const heads = left.flatMap((run) => {
      const record = run.records[run.next];
      return record === undefined ? [] : [{ run, record }];
    });
    const [first, ...rest] = heads;
    if (first === undefined) return all;
    const { run, record } = rest.reduce((least, one) => (one.record.at < least.record.at ? one : least), first);
    run.next += 1;
    all.push(record);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  intent: 'about to start',
  state: 'the state of AWS was read',
  job: 'job specification, before the job is created',
  'generated-manifest-job': 'job specification for its manifest only, before the job is created',
  confirmation: 'decision whether a job may run',
  verdict: 'the verdict on every version but the active one',
  'run-opened': 'the run started',
  'run-closed': 'the run ended',
};

function said({ type, data }: RunFacts['recorded']['records'][number]): string {
  const words = ['summary', 'version', 'command', 'rotation', 'stack'].map((name) => data[name]);
  const gate = typeof data.open === 'boolean' ? `gate ${data.open ? 'open' : 'closed'}` : undefined;
  const ending = data.summary === undefined ? data.outcome : undefined;
  // Only texts are shown here (the summary of a plan is a structure); the file has the rest.
  return [WORDS[type], ...words, gate, ending].filter((one) => typeof one === 'string').join(', ');
}
