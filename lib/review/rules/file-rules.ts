import type { FileChange } from '../file-changes/file-changes';
import type { Finding } from '../finding';
import type { ReviewRule } from '../review-rule';

const COMMON = { waivable: true, look: () => [] } as const;

/** These rules are about the rotation file, not a plan: their findings are computed from its changes since the base. */
const decide: ReviewRule = {
  id: 'KT080',
  title: 'a change of the rotation file needs a decision',
  severity: 'warning',
  why: 'It changes who can read what, what is covered, or what can be proved later.',
  next: 'Have a person decide who knows the reason. Make it a change of its own, apart from a rotation.',
  ...COMMON,
};

const refused: ReviewRule = {
  id: 'KT081',
  title: 'a change of the rotation file is refused',
  severity: 'error',
  why: 'Terraform would create everything again, or the records so far would be about something else.',
  next: 'Take it back. If it is meant, waive this rule in an earlier change of its own.',
  ...COMMON,
};

/** The findings of what changed in the rotation file. */
export function fileFindings(changes: readonly FileChange[]): readonly Finding[] {
  return changes.flatMap(({ verdict, message }): readonly Finding[] => {
    if (verdict === 'free') return [];
    const { id, severity } = verdict === 'decide' ? decide : refused;
    return [{ rule: id, severity, plan: undefined, address: undefined, message }];
  });
}

export const fileRules: readonly ReviewRule[] = [decide, refused];
