/** The sections of a report about one rotation. */
import { accessSection } from './report-access';
import { changesOf, keyLanes, versionsIn } from './report-drawings';
import type { RunFacts, StateFacts } from './report-facts';
import { gateSection } from './report-gate';
import { code, type Html, html, table, time } from './report-html';
import { jobSection } from './report-jobs';
import { blockedSection, moveSection, type NameOf, verifySection } from './report-objects';
import { timeline } from './report-timeline';
import { whoAndWhere } from './report-who';

export function rotationSections(runs: readonly RunFacts[], id: string): Html {
  const states = runs.flatMap((run) => run.states).sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const nameOf = namesFrom(states);
  const name = runs.find((run) => run.rotation)?.rotation;
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${name === undefined ? 'Runs that name no rotation' : html`Rotation ${name}`}</h2>
${whoAndWhere(runs)}
${reviewSection(runs)}
${appliedSection(runs)}
${accessSection(runs)}
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
