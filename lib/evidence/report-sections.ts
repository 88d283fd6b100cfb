/** The sections of a report about one rotation. */
import { changesOf, keyLanes, versionsIn } from './report-drawings';
import type { RunFacts, StateFacts } from './report-facts';
import { gateSection } from './report-gate';
import { code, type Html, html, table, time } from './report-html';
import { jobSection } from './report-jobs';
import { blockedSection, moveSection, type NameOf, verifySection } from './report-objects';

export function rotationSections(runs: readonly RunFacts[], id: string): Html {
  const states = runs.flatMap((run) => run.states).sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const nameOf = namesFrom(states);
  const name = runs.find((run) => run.rotation)?.rotation;
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${name === undefined ? 'Runs that name no rotation' : html`Rotation ${name}`}</h2>
${whoAndWhere(runs)}
${reviewSection(runs)}
${appliedSection(runs)}
${gateSection(runs)}
${blockedSection(runs)}
${keySection(states, nameOf)}
${moveSection(runs)}
${jobSection(runs)}
${verifySection(runs, nameOf)}
${custodySection(runs)}
${timeline(runs)}
</section>
`;
}

function namesFrom(states: readonly StateFacts[]): NameOf {
  const names = new Map(
    states.flatMap((one) => one.versions.flatMap(({ name, keyArn }) => (keyArn === undefined ? [] : [[keyArn, name]]))),
  );
  return (keyArn) => (keyArn === undefined ? 'nothing' : (names.get(keyArn) ?? keyArn));
}

const TOOLS: Readonly<Record<string, string>> = {
  terraform: 'Terraform',
  opentofu: 'OpenTofu',
  awsProvider: 'AWS provider',
};

/** A version string that starts with a name already identifies its tool. */
const toolWords = ([tool, version]: readonly [string, string]): string =>
  /^\d/.test(version) ? `${TOOLS[tool] ?? tool} ${version}` : version;

const unique = (values: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(values.filter((one) => one !== undefined)),
];

function whoAndWhere(runs: readonly RunFacts[]): Html {
  const tools = unique(runs.flatMap((run) => Object.entries(run.tools).map(toolWords)));
  const rows: readonly (readonly [string, readonly (string | Html)[]])[] = [
    ['Account', unique(runs.map((run) => run.identity.account)).map(code)],
    ['Region', unique(runs.map((run) => run.region)).map(code)],
    ['Run as', unique(runs.map((run) => run.identity.arn)).map(code)],
    ['Endpoint', unique(runs.map(endpointOf))],
    ['Tools', tools],
  ];
  return html`<dl class="facts">${rows.map(
    ([word, values]) =>
      html`<dt>${word}</dt><dd>${values.length === 0 ? 'not recorded' : values.map((value, at) => html`${at === 0 ? '' : ', '}${value}`)}</dd>`,
  )}</dl>
${table({
  caption: 'Runs, oldest first',
  head: ['started', 'command', 'outcome', 'rotation file', 'commit', 'evidence head'],
  rows: runs.map((run) => [
    time(run.openedAt),
    code(run.command),
    ended(run),
    run.rotationFile ? html`${run.rotationFile.name} ${code(run.rotationFile.sha256?.slice(0, 12))}` : 'not recorded',
    commit(run),
    code(run.recorded.checked.head?.slice(0, 16)),
  ]),
})}
${peopleTable(runs)}`;
}

/** Where the requests of a run went: an endpoint that is not AWS's is a rehearsal, or somebody in between. */
function endpointOf({ endpoints }: RunFacts): string | undefined {
  const others = Object.entries(endpoints).flatMap(([service, url]) => (url === null ? [] : [`${service} ${url}`]));
  if (Object.keys(endpoints).length === 0) return undefined;
  return others.length === 0 ? 'AWS' : `not AWS: ${others.join(', ')}`;
}

/** As the job's own variables say; the forge's audit log confirms it. */
function peopleTable(runs: readonly RunFacts[]): Html | undefined {
  const rows = runs.flatMap((run) => {
    const { people } = run;
    if (people === undefined) return [];
    const alone = people.proposer === people.approver && people.approver !== 'not given';
    const approver = alone
      ? html`${people.approver} <span class="mark wait">who also proposed</span>`
      : people.approver;
    return [
      [time(run.openedAt), people.proposer, approver, people.actor, code(people.runUrl), commitOf(people.commit)],
    ];
  });
  const caption = 'Who, as the variables of each job say: its forge can confirm it';
  return table({ caption, head: ['started', 'proposer', 'approver', 'actor', 'run', 'commit'], rows });
}

const commitOf = (commit: string | undefined): Html =>
  code(/^[0-9a-f]{40}$/.test(commit ?? '') ? commit?.slice(0, 12) : commit);

function appliedSection(runs: readonly RunFacts[]): Html {
  const applied = runs.flatMap((run) => run.applied).filter(({ effects }) => effects.length > 0);
  if (applied.length === 0) return html``;
  return html`<h3>What was applied</h3>${table({
    caption: 'Each applied plan in words, with the values before and after',
    head: ['applied', 'stack', 'effects'],
    rows: applied.map(({ at, stack, effects }) => [
      time(at),
      stack,
      html`<ul>${effects.map((one) => html`<li>${one}</li>`)}</ul>`,
    ]),
  })}`;
}

function commit({ rotationFile }: RunFacts): Html {
  if (!rotationFile?.commit) return html`none`;
  const differs = rotationFile.asCommitted === false ? html` <span class="mark wait">edited since</span>` : undefined;
  return html`${code(rotationFile.commit.slice(0, 12))}${differs}`;
}

function ended({ outcome }: RunFacts): Html {
  if (outcome === 'finished') return html`<span class="mark good">finished</span>`;
  return html`<span class="mark ${outcome === undefined ? 'bad' : 'wait'}">${outcome ?? 'not closed'}</span>`;
}

function reviewSection(runs: readonly RunFacts[]): Html {
  const reviews = runs.flatMap((run) => run.reviews);
  if (reviews.length === 0) return html``;
  const named = ({ rule, address }: { readonly rule: string; readonly address?: string | null | undefined }) =>
    html`<li>${code(rule)} ${address ?? ''}</li>`;
  return html`<h3>Plan review</h3>${table({
    caption: 'The review of each plan when it was applied; see docs/plan-review.md for the rules',
    head: ['reviewed', 'stack', 'verdict', 'findings', 'waived'],
    rows: reviews.map((one) => [
      time(one.at),
      one.stack,
      html`<span class="mark ${one.verdict === 'clean' ? 'good' : one.verdict === 'refused' ? 'bad' : 'wait'}">${one.verdict ?? 'not recorded'}</span>`,
      one.findings.length === 0 ? 'none' : html`<ul>${one.findings.map(named)}</ul>`,
      one.waived.length === 0 ? 'none' : html`<ul>${one.waived.map(named)}</ul>`,
    ]),
  })}`;
}

function keySection(states: readonly StateFacts[], nameOf: NameOf): Html {
  const changes = changesOf(states);
  if (changes.length === 0) return html``;
  const names = versionsIn(changes);
  return html`<h3>Key state of each version</h3>
<figure><figcaption>One column per observed change; the line under a bar marks the version that the alias points at.</figcaption>
${keyLanes(changes)}</figure>
${table({
  caption: 'The same as a table',
  head: ['#', 'observed', 'after', ...names, 'alias points at', 'bucket defaults'],
  numeric: [0],
  rows: changes.map((one, at) => [
    at + 1,
    time(one.at),
    one.step,
    ...names.map((name) => stateMark(one.versions.find((version) => version.name === name)?.state)),
    nameOf(one.aliasTarget),
    one.buckets.map(
      (bucket, index) => html`${index === 0 ? '' : ', '}${bucket.name}: ${nameOf(bucket.default?.keyArn)}`,
    ),
  ]),
})}
${table({
  caption: 'Keys',
  head: ['version', 'key', 'material valid to'],
  rows: (changes.at(-1)?.versions ?? []).map((one) => [
    one.name,
    code(one.keyArn),
    one.validTo === undefined ? 'does not expire, or not recorded' : time(one.validTo),
  ]),
})}`;
}

function stateMark(state: string | undefined): Html {
  const kinds: Readonly<Record<string, string>> = { Enabled: 'good', PendingImport: 'wait', Disabled: 'plain' };
  return html`<span class="mark ${state === undefined ? 'plain' : (kinds[state] ?? 'bad')}">${state ?? 'no key'}</span>`;
}

function custodySection(runs: readonly RunFacts[]): Html {
  const records = runs.flatMap((run) => run.custody);
  if (records.length === 0) return html``;
  return html`<h3>Key material</h3>${table({
    caption: 'Imports, each proved by a data key that KMS generated and decrypted; nothing here is secret',
    head: ['version', 'imported', 'expires', 'material id', 'wrapped by', 'custody'],
    rows: records.map((one) => [
      one.version,
      time(one.import.importedAt),
      one.import.validTo ? time(one.import.validTo) : 'does not expire',
      code(one.keyMaterialId?.slice(0, 16)),
      code(one.wrapping.algorithm),
      one.custody.kind === 'none'
        ? html`<span class="mark bad">none</span>`
        : html`${one.custody.location ?? one.custody.kind ?? 'not recorded'}, ${one.custody.recipients.length} recipient(s)`,
    ]),
  })}`;
}

/** One row per record; the file has all facts. */
function timeline(runs: readonly RunFacts[]): Html {
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
