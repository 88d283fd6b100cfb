import type { Rotation } from '../rotation/rotation';
import type { Proposal } from './proposal';

/** The state of AWS at the time of the proposal. */
export interface ObservedKey {
  /** The key of the proposed version; absent: there is none yet. */
  readonly key: { readonly arn: string; readonly state: string } | undefined;
  readonly account: string;
}

export interface MessagesInput {
  readonly rotation: Rotation;
  readonly proposal: Proposal;
  /** Absent: AWS was not read. */
  readonly observed: ObservedKey | undefined;
}

/** The messages of a strategy for a proposal, in Markdown: a paragraph, and two lists. */
export interface ProposalMessages {
  changes(input: MessagesInput): string;
  whySafe(input: MessagesInput): readonly string[];
  stillToCome(input: MessagesInput): readonly string[];
}
