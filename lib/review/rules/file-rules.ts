import type { FileChange } from '../file-changes/file-changes';
import { FILE_KINDS, type FileKind } from '../file-changes/file-kinds';
import type { ClassifiedFile } from '../file-changes/repository-files';
import type { Finding } from '../finding';
import { listed, type Words, words } from '../review-messages';
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
    return [finding(verdict === 'decide' ? decide : refused, undefined, message)];
  });
}

const decideFile: ReviewRule = {
  id: 'KT082',
  title: 'another file of the change needs a decision',
  severity: 'warning',
  why: 'Keyturn, Terraform or the pipeline reads or runs it, and no plan shows what it does.',
  next: 'Have whoever owns the file read the change. Make it a change of its own, apart from a rotation.',
  ...COMMON,
};

const refusedFile: ReviewRule = {
  id: 'KT083',
  title: 'another file of the change is refused',
  severity: 'error',
  why: 'It is the only copy of key material outside of KMS, or leads to it.',
  next: 'Take it back. If it is meant, waive this rule in an earlier change, with the path of the file as the address.',
  ...COMMON,
};

const neverFile: ReviewRule = {
  id: 'KT084',
  title: 'a file that must never be committed',
  severity: 'error',
  why: 'It is secret, or a link that hides what is read, or a working file: that could bring a provider that runs during the plan, or evidence of what never was.',
  next: 'Take it out of the change, and out of the history if it is secret: replace a secret that was pushed.',
  ...COMMON,
  waivable: false,
};

/** The findings of the other files of the change: one of each kind that is to decide, one of each file that is refused. */
export function otherFileFindings(files: readonly ClassifiedFile[]): readonly Finding[] {
  const refusals = files
    .filter(({ verdict }) => verdict === 'refused')
    .map((one) =>
      finding(
        one.kind === 'custody' ? refusedFile : neverFile,
        one.path,
        words`${[FILE_KINDS[one.kind]]}, is ${[one.change]}. ${[one.why]}`,
      ),
    );
  const open = files.filter(({ verdict }) => verdict === 'decide');
  const kinds: readonly FileKind[] = [...new Set(open.map(({ kind }) => kind))];
  const decisions = kinds.map((kind) => {
    const all = open.filter((one) => one.kind === kind);
    const changes = (['added', 'changed', 'removed'] as const).flatMap((change): Words[] => {
      const paths = all.filter((one) => one.change === change).map((one) => one.path);
      return paths.length === 0 ? [] : [words`${[change]}: ${listed(paths, 10)}`];
    });
    const joined = changes.flatMap((one, at) => [...(at === 0 ? [] : ['; ']), ...one]);
    return finding(decideFile, undefined, words`${[FILE_KINDS[kind]]}. ${joined}. ${[all[0]?.why ?? '']}`);
  });
  return [...refusals, ...decisions];
}

const finding = ({ id, severity }: ReviewRule, address: string | undefined, message: Words): Finding => ({
  rule: id,
  severity,
  plan: undefined,
  address,
  message,
});

export const fileRules: readonly ReviewRule[] = [decide, refused, decideFile, refusedFile, neverFile];
