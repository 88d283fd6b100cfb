/** The body of the pull request: what changes, why it is safe, what is still to come, and what it will cost. */
import type { Rotation } from '../rotation/rotation';
import { unifiedDiff } from './diff';
import type { Forecast } from './forecast';
import { forecastText } from './forecast';
import { mdBlock, mdCode, mdText } from './markdown';
import type { Proposal } from './proposal';
import type { ProposalSight, ProposalWords } from './words';
import { inPlaceWords } from './words-in-place';
import { newKeyWords } from './words-new-key';

export interface BodyInput {
  readonly rotation: Rotation;
  readonly proposal: Proposal;
  /** Path of the rotation file in the repository, with `/`. */
  readonly shownFile: string;
  /** Absent: AWS was not looked at. */
  readonly sight: ProposalSight | undefined;
  readonly forecast: Forecast;
}

/** GitHub takes 65,536 characters, GitLab and Bitbucket more. Only a diff without end can come near. */
const MOST_CHARACTERS = 60_000;

/** Markdown, at most 60,000 characters. */
export function proposalBody(input: BodyInput): string {
  const { proposal, shownFile } = input;
  const diff = unifiedDiff(proposal.before, proposal.after, shownFile);
  const whole = sections(input, mdBlock('diff', diff));
  if (whole.length <= MOST_CHARACTERS) return whole;
  return sections(input, 'The diff is too long to be shown here; see the changed file.');
}

function sections(input: BodyInput, diff: string): string {
  const { proposal, rotation, forecast } = input;
  return [
    `## ${mdText(proposal.title)}`,
    '',
    ...changes(input),
    '',
    diff,
    '',
    '### Why this is safe',
    '',
    ...list(wordsOf(rotation).whySafe(input)),
    '',
    '### Still to come',
    '',
    ...list(wordsOf(rotation).stillToCome(input), '1.'),
    '',
    '### Forecast',
    '',
    ...forecastText(forecast),
    '',
    ...(proposal.kind === 'rollback' ? [rollbackTrailer(proposal), ''] : []),
  ].join('\n');
}

/**
 * Going back has to be called so, or the plan review refuses it. As the last line of a commit message git reads this as a
 * trailer, and the pipelines under `examples/` announce the rollback by it.
 */
export const rollbackTrailer = ({ version }: Pick<Proposal, 'version'>): string => `Keyturn-Rollback: ${version}`;

const list = (items: readonly string[], mark = '-'): string[] => items.map((item) => `${mark} ${item}`);

function changes({ rotation, proposal, sight }: BodyInput): string[] {
  const { version } = proposal;
  const where = `Rotation ${mdCode(rotation.name)}, alias ${mdCode(rotation.alias)}, Region ${mdCode(rotation.region)}${
    sight ? `, account ${mdCode(sight.account)}` : rotation.account ? `, account ${mdCode(rotation.account)}` : ''
  }.`;
  const said = wordsOf(rotation).changes({ rotation, proposal, sight });
  const seen = sight ? [`Key of ${mdCode(version)} in AWS when this was proposed: ${keySeen(sight)}.`] : [];
  return [said, '', where, ...seen];
}

const keySeen = ({ key }: ProposalSight): string => (key ? `${mdCode(key.arn)}, ${mdCode(key.state)}` : 'none yet');

const wordsOf = ({ strategy }: Pick<Rotation, 'strategy'>): ProposalWords =>
  strategy === 'in-place' ? inPlaceWords : newKeyWords;
