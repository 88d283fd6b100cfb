/** The first section of a report about one rotation: its runs, where they ran, and whose they were. */
import type { RunFacts } from './report-facts';
import { code, type Html, html, table, time } from './report-html';

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

export function whoAndWhere(runs: readonly RunFacts[]): Html {
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

function commit({ rotationFile }: RunFacts): Html {
  if (!rotationFile?.commit) return html`none`;
  const differs = rotationFile.asCommitted === false ? html` <span class="mark wait">edited since</span>` : undefined;
  return html`${code(rotationFile.commit.slice(0, 12))}${differs}`;
}

function ended({ outcome }: RunFacts): Html {
  if (outcome === 'finished') return html`<span class="mark good">finished</span>`;
  return html`<span class="mark ${outcome === undefined ? 'bad' : 'wait'}">${outcome ?? 'not closed'}</span>`;
}
