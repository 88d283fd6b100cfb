/** Drawings of a report, inline SVG without script: each has a text alternative, and a table has the numbers. */

import type { PassFacts, StateFacts } from './report-facts';
import { type Html, html } from './report-html';

const WIDTH = 960;
const LABEL = 150;
const LANE = 34;
const STATES = ['Enabled', 'Disabled', 'PendingImport'];

/** Observations in order, without those that equal the previous one. */
export function changesOf(states: readonly StateFacts[]): readonly StateFacts[] {
  const said = ({ versions, aliasTarget, buckets }: StateFacts) =>
    JSON.stringify([versions.filter((one) => one.state !== undefined), aliasTarget, buckets]);
  return states.filter((one, at) => {
    const before = states[at - 1];
    return before === undefined || said(before) !== said(one);
  });
}

/** Names of the versions, in the order in which they were first seen. */
export const versionsIn = (states: readonly StateFacts[]): readonly string[] => [
  ...new Set(states.flatMap((one) => one.versions.map((version) => version.name))),
];

/**
 * A lane for each version, a column for each change: its key state, and a line under the version that the alias
 * names.
 */
export function keyLanes(changes: readonly StateFacts[]): Html | undefined {
  const names = versionsIn(changes);
  if (changes.length === 0 || names.length === 0) return undefined;
  const step = (WIDTH - LABEL) / changes.length;
  const lanes = names.map((name, row) => lane(name, row * LANE + 4, step, changes));
  const axis = changes.map(
    (_, at) =>
      html`<text class="soft" x="${x(at, step) + step / 2}" y="${names.length * LANE + 20}" text-anchor="middle">${at + 1}</text>`,
  );
  const height = names.length * LANE + 28;
  const words = names
    .map((name) => `${name}: ${changes.map((one) => stateOf(one, name) ?? 'no key').join(', ')}`)
    .join('; ');
  const seen = [...STATES, 'other'].filter((kind) =>
    changes.some((one) => one.versions.some(({ state }) => state !== undefined && kindOf(state) === kind)),
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Chart of key states"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Key state of each version. ${words}">${lanes}${axis}</svg></div>
${legend(seen.map((kind) => ({ kind, words: kind === 'other' ? 'any other state' : kind })))}`;
}

const kindOf = (state: string): string => (STATES.includes(state) ? state : 'other');
const x = (column: number, step: number): number => round(LABEL + column * step);
const round = (value: number): number => Math.round(value * 10) / 10;

const versionIn = (state: StateFacts, name: string) => state.versions.find((one) => one.name === name);
const stateOf = (state: StateFacts, name: string): string | undefined => versionIn(state, name)?.state;

function isActive(state: StateFacts, name: string): boolean {
  const arn = versionIn(state, name)?.keyArn;
  return arn !== undefined && arn === state.aliasTarget;
}

function lane(name: string, y: number, step: number, changes: readonly StateFacts[]): Html {
  const label = html`<text x="0" y="${y + 18}">${short(name, 20)}</text>`;
  return html`${label}${runsOf(changes, (one) => stateOf(one, name)).map((run) => segment(run, y, step))}${runsOf(
    changes,
    (one) => (isActive(one, name) ? 'active' : undefined),
  ).map(
    ({ from, to }) =>
      html`<line class="active" x1="${x(from, step) + 3}" x2="${x(to, step) - 3}" y1="${y + 27}" y2="${y + 27}"/>`,
  )}`;
}

interface Run {
  readonly value: string;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Runs of adjacent columns with the same value; columns without a value are excluded. */
function runsOf(changes: readonly StateFacts[], read: (state: StateFacts) => string | undefined): readonly Run[] {
  const runs: Run[] = [];
  changes.forEach((one, at) => {
    const value = read(one);
    if (value === undefined) return;
    const last = runs.at(-1);
    if (last?.value === value && last.to === at) runs[runs.length - 1] = { ...last, to: at + 1 };
    else runs.push({ value, from: at, to: at + 1 });
  });
  return runs;
}

function segment({ value, from, to }: Run, y: number, step: number): Html {
  const width = round((to - from) * step - 2);
  const fits = width > value.length * 7.5 + 8;
  return html`<rect class="${kindOf(value)}" x="${x(from, step) + 1}" y="${y}" width="${Math.max(1, width)}" height="24" rx="3"><title>${value}</title></rect>${
    fits
      ? html`<text x="${round(x(from, step) + 1 + width / 2)}" y="${y + 17}" text-anchor="middle">${value}</text>`
      : undefined
  }`;
}

/** Outcomes of the object versions of a bucket, in the order of bars and legend. */
export const MOVES = [
  { kind: 'moved', words: 'moved' },
  { kind: 'there', words: 'already under the key' },
  { kind: 'blocked', words: 'blocked' },
  { kind: 'failed', words: 'failed' },
  { kind: 'gone', words: 'deleted in the meantime' },
] as const;

export const movesOf = (pass: PassFacts): Readonly<Record<(typeof MOVES)[number]['kind'], number>> => ({
  moved: pass.moved,
  there: pass.alreadyThere,
  blocked: pass.blockedTotal,
  failed: pass.failedTotal,
  gone: pass.gone,
});

/** One bar per pass over a bucket; a part above zero is always visible. */
export function moveBars(passes: readonly PassFacts[]): Html | undefined {
  if (passes.length === 0) return undefined;
  const bars = passes.map((pass, row) => bar(pass, row * 46));
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Chart of moved object versions"><svg viewBox="0 0 ${WIDTH} ${passes.length * 46}" role="img" aria-label="Outcomes of the object versions of each bucket; the table below has the numbers">${bars}</svg></div>
${legend(MOVES)}`;
}

function legend(entries: readonly { readonly kind: string; readonly words: string }[]): Html {
  return html`<ul class="key">${entries.map(
    ({ kind, words }) =>
      html`<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${kind}" width="10" height="10"/></svg>${words}</li>`,
  )}</ul>`;
}

function bar(pass: PassFacts, y: number): Html {
  const moves = movesOf(pass);
  const parts = MOVES.map(({ kind }) => ({ kind, size: Math.max(0, moves[kind]) })).filter((part) => part.size > 0);
  const total = parts.reduce((sum, part) => sum + part.size, 0);
  const text = html`<text x="0" y="${y + 13}">${short(pass.bucket, 70)} <tspan class="soft">(${pass.method}, ${total.toLocaleString('en-US')} object versions)</tspan></text>`;
  if (total === 0) return html`${text}<rect class="empty" x="0" y="${y + 19}" width="${WIDTH}" height="4"/>`;
  const least = 4;
  const room = WIDTH - least * parts.length;
  let from = 0;
  const rects = parts.map(({ kind, size }) => {
    const width = round(least + (size / total) * room);
    const rect = html`<rect class="${kind} edge" x="${round(from)}" y="${y + 19}" width="${width}" height="18"><title>${size.toLocaleString('en-US')} ${kind}</title></rect>`;
    from += width;
    return rect;
  });
  return html`${text}${rects}`;
}

const short = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
