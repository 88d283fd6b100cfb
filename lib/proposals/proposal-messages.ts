import type { Rotation } from '../rotation/rotation';
import type { Proposal } from './proposal';

/** What AWS was seen to hold when the proposal was made. */
export interface ObservedKey {
  /** The key that the proposed version stands on; absent: there is none yet. */
  readonly key: { readonly arn: string; readonly state: string } | undefined;
  readonly account: string;
}

export interface MessagesInput {
  readonly rotation: Rotation;
  readonly proposal: Proposal;
  /** Absent: AWS was not looked at. */
  readonly observed: ObservedKey | undefined;
}

/** What a strategy has to say of a proposal, in Markdown: a paragraph, and two lists. */
export interface ProposalMessages {
  changes(input: MessagesInput): string;
  whySafe(input: MessagesInput): readonly string[];
  stillToCome(input: MessagesInput): readonly string[];
}
