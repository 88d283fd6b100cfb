import type { Rotation } from '../rotation/rotation';
import type { Proposal } from './proposal';

/** What AWS was seen to hold when the proposal was made. */
export interface ProposalSight {
  /** The key that the proposed version stands on; absent: there is none yet. */
  readonly key: { readonly arn: string; readonly state: string } | undefined;
  readonly account: string;
}

export interface WordsInput {
  readonly rotation: Rotation;
  readonly proposal: Proposal;
  /** Absent: AWS was not looked at. */
  readonly sight: ProposalSight | undefined;
}

/** What a strategy has to say of a proposal, in Markdown: a paragraph, and two lists. */
export interface ProposalWords {
  changes(input: WordsInput): string;
  whySafe(input: WordsInput): readonly string[];
  stillToCome(input: WordsInput): readonly string[];
}
