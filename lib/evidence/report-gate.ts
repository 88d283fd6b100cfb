/** What a report shows of the retire gate: its decisions, what they rest on, and what was found behind it. */
import type { RunFacts } from './report-facts';
import type { GateFacts, RehearsalFacts } from './report-gate-facts';
import { code, count, type Html, html, table, time } from './report-html';

export function gateSection(runs: readonly RunFacts[]): Html {
  const gates = runs.flatMap((run) => run.gates);
  if (gates.length === 0) return html`<h3>Retire gate</h3><p>There was no version to retire.</p>`;
  return html`<h3>Retire gate</h3>${table({
    caption: 'Each decision of the gate, and why',
    head: ['decided', 'version', 'gate', 'reasons'],
    rows: gates.map((gate) => [
      time(gate.at),
      gate.version,
      gate.open ? html`<span class="mark good">open</span>` : html`<span class="mark wait">closed</span>`,
      gate.open ? openBecause(gate) : reasonList(gate.reasons),
    ]),
  })}${rehearsalTable(runs)}${pinTable(runs)}${lookTable(runs)}`;
}

type Reason = GateFacts['reasons'][number];

const reasonList = (reasons: readonly Reason[]): Html =>
  html`<ul>${reasons.map((reason) => html`<li>${reason.text} ${code(reason.code)}</li>`)}</ul>`;

function openBecause({ waived }: GateFacts): Html {
  if (waived.length === 0) return html`nothing left under it, nothing unknown`;
  const items = waived.map(
    ({ reason, waiver }) =>
      html`<li>waived until ${waiver.until} (${waiver.reason}): ${reason.text} ${code(reason.code)}</li>`,
  );
  return html`nothing left under it, nothing unknown<ul>${items}</ul>`;
}

/** What was found once a key was Disabled: a key that was enabled again was not retired. */
function lookTable(runs: readonly RunFacts[]): Html {
  const looks = runs.flatMap((run) => [
    ...run.looks.map((one) => ({ ...one, result: one.clean ? 'clean' : 'needed' })),
    ...run.takenBack.map((one) => ({ ...one, result: one.enabled ? 'enabled again' : 'could not be enabled again' })),
  ]);
  if (looks.length === 0) return html``;
  return html`${table({
    caption: 'What changed until each key was disabled',
    head: ['inspected', 'version', 'result', 'reasons'],
    rows: looks.map((one) => [
      time(one.at),
      one.version,
      html`<span class="mark ${one.result === 'clean' ? 'good' : 'bad'}">${one.result}</span>`,
      one.reasons.length === 0 ? 'none' : reasonList(one.reasons),
    ]),
  })}`;
}

/** What a role of the readers could read while it was denied the key. */
function rehearsalTable(runs: readonly RunFacts[]): Html {
  const rehearsals = runs.flatMap((run) => run.rehearsals);
  if (rehearsals.length === 0) return html``;
  return html`${table({
    caption: 'Dress rehearsals: what the readers read while they were denied the key',
    head: ['rehearsed', 'version', 'as', 'result', 'read', 'not rehearsed'],
    rows: rehearsals.map((one) => [
      time(one.at),
      one.version,
      one.role === undefined ? 'nobody' : code(one.role),
      rehearsalResult(one),
      count(sumOf(one, ({ read }) => read)),
      notRehearsed(one),
    ]),
  })}`;
}

function rehearsalResult({ role, because, buckets, impossible }: RehearsalFacts): Html {
  if (role === undefined) return html`<span class="mark plain">none</span> ${because ?? ''}`;
  const needed = buckets.flatMap(({ bucket, failed }) =>
    failed.map(({ key, why }) => html`<li>${code(key)} in ${bucket} needs the key: ${why ?? 'not recorded'}</li>`),
  );
  const faults = [...needed, ...impossible.map((one) => html`<li>${one}</li>`)];
  if (faults.length === 0) return html`<span class="mark good">the key is not needed</span>`;
  return html`<span class="mark bad">${needed.length > 0 ? 'the key is needed' : 'shows nothing'}</span><ul>${faults}</ul>`;
}

function notRehearsed(one: RehearsalFacts): string {
  if (one.role === undefined) return 'everything';
  const aside = [
    [sumOf(one, ({ archived }) => archived), 'archived'],
    [sumOf(one, ({ customerKey }) => customerKey), "under a customer's key"],
    [sumOf(one, ({ outOfReach }) => outOfReach), 'under other keys, not for this role'],
    [sumOf(one, ({ gone }) => gone), 'deleted meanwhile'],
  ] as const;
  const counted = aside.flatMap(([number, what]) => (number > 0 ? [`${number} ${what}`] : []));
  return counted.length === 0 ? 'nothing of the sample' : counted.join(', ');
}

const sumOf = ({ buckets }: RehearsalFacts, of: (bucket: RehearsalFacts['buckets'][number]) => number): number =>
  buckets.reduce((sum, bucket) => sum + of(bucket), 0);

/** Whether each bucket with `pinWriters` denied its writers every other key. */
function pinTable(runs: readonly RunFacts[]): Html {
  const pins = runs.flatMap((run) => run.pins);
  if (pins.length === 0) return html``;
  return html`${table({
    caption: 'Pinned writers: whether the policy of each bucket allowed writes under the active key alone',
    head: ['looked', 'bucket', 'pinned to', 'in force', 'because'],
    rows: pins.map((pin) => [
      time(pin.at),
      pin.bucket,
      code(pin.keyArn),
      pin.inForce ? html`<span class="mark good">yes</span>` : html`<span class="mark wait">no</span>`,
      pin.because ?? (pin.inForce ? 'the policy and the default name it' : 'not recorded'),
    ]),
  })}`;
}
