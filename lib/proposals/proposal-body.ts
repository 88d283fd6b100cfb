/** The body of the pull request: what changes, why it is safe, the next steps, and the cost. */

import type { Rotation } from '../rotation/rotation';
import { accessSection, type ProposedAccess } from './access-section';
import { unifiedDiff } from './diff';
import { forecastTable, type ProposalForecast } from './forecast-table';
import { inPlaceMessages } from './in-place-messages';
import { mdBlock, mdCode, mdText } from './markdown';
import { newKeyMessages } from './new-key-messages';
import type { Proposal } from './proposal';
import type { ObservedKey, ProposalMessages } from './proposal-messages';
import { bindingSection, type ProposedBinding } from './proposed-binding';

export interface BodyInput {
  readonly rotation: Rotation;
  readonly proposal: Proposal;
  /** Path of the rotation file in the repository, with `/`. */
  readonly shownFile: string;
  /** Absent: AWS was not read. */
  readonly observed: ObservedKey | undefined;
  readonly forecast: ProposalForecast;
  /** Of a version that becomes active; undefined: none does. */
  readonly binding: ProposedBinding | undefined;
  /** For each earlier key; undefined: AWS was not read. */
  readonly access: readonly ProposedAccess[] | undefined;
}

/** GitHub allows 65,536 characters, GitLab and Bitbucket more. Only a very long diff comes near this limit. */
const MOST_CHARACTERS = 60_000;

/** Markdown, at most 60,000 characters. */
export function proposalBody(input: BodyInput): string {
  const whole = sections(input, mdBlock('diff', proposalDiff(input)));
  if (whole.length <= MOST_CHARACTERS) return whole;
  return sections(input, 'The diff is too long to show here; see the changed file.');
}

/** The changes of the rotation file, and then of its binding; empty: there are none. */
export function proposalDiff({ proposal, shownFile, binding }: Pick<BodyInput, 'proposal' | 'shownFile' | 'binding'>) {
  const bound = binding ? unifiedDiff(binding.before ?? '', binding.after ?? '', binding.shownFile) : '';
  return `${unifiedDiff(proposal.before, proposal.after, shownFile)}${bound}`;
}

function sections(input: BodyInput, diff: string): string {
  const { proposal, rotation, forecast, binding } = input;
  return [
    `## ${mdText(proposal.title)}`,
    '',
    ...changes(input),
    '',
    diff,
    '',
    ...(binding ? ['### Which key it is', '', ...bindingSection(rotation, proposal.version, binding), ''] : []),
    ...(comparesAccess(input)
      ? ['### Who loses access', '', ...accessSection(input.access, proposal.version), '']
      : []),
    '### Why this is safe',
    '',
    ...list(wordsOf(rotation).whySafe(input)),
    '',
    '### Next steps',
    '',
    ...list(wordsOf(rotation).stillToCome(input), '1.'),
    '',
    '### Forecast',
    '',
    ...forecastTable(forecast),
    '',
    ...(proposal.kind === 'rollback' ? [rollbackTrailer(proposal), ''] : []),
  ].join('\n');
}

/** In place there is one key, and nobody loses it. */
const comparesAccess = ({ rotation, proposal }: BodyInput): boolean =>
  rotation.strategy === 'new-key' && (proposal.kind === 'switch' || proposal.kind === 'rollback');

/**
 * The plan review refuses an undeclared rollback. Git reads this last line of a commit message as a trailer, and the
 * pipelines under `examples/` pass it to the review.
 */
export const rollbackTrailer = ({ version }: Pick<Proposal, 'version'>): string => `Keyturn-Rollback: ${version}`;

const list = (items: readonly string[], mark = '-'): string[] => items.map((item) => `${mark} ${item}`);

function changes({ rotation, proposal, observed }: BodyInput): string[] {
  const { version } = proposal;
  const where = `Rotation ${mdCode(rotation.name)}, alias ${mdCode(rotation.alias)}, Region ${mdCode(rotation.region)}${
    observed ? `, account ${mdCode(observed.account)}` : rotation.account ? `, account ${mdCode(rotation.account)}` : ''
  }.`;
  const said = wordsOf(rotation).changes({ rotation, proposal, observed });
  const seen = observed ? [`Key of ${mdCode(version)} in AWS at the time of the proposal: ${keySeen(observed)}.`] : [];
  return [said, '', where, ...seen];
}

const keySeen = ({ key }: ObservedKey): string => (key ? `${mdCode(key.arn)}, ${mdCode(key.state)}` : 'none yet');

const wordsOf = ({ strategy }: Pick<Rotation, 'strategy'>): ProposalMessages =>
  strategy === 'in-place' ? inPlaceMessages : newKeyMessages;
