import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of the plan review, and of plans that are kept to be reviewed. */
export const reviewErrors = {
  'review-plan-unreadable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `${f.file} cannot be reviewed: ${f.reason}`,
    () => 'give a plan file, or what `terraform show -json <plan file>` prints, whole',
  ),
  'review-plan-newer': entry<{ file: string; version: string }>(
    EXIT.error,
    (f) => `${f.file} has plan format ${f.version}; this review knows 1.x`,
    () => 'use a Terraform whose JSON plans have format 1.x, or a newer Keyturn',
  ),
  'review-plan-other-rotation': entry<{ file: string; rotation: string; found: string }>(
    EXIT.usage,
    (f) => `${f.file} is no plan of rotation ${f.rotation}: ${f.found}`,
    () => 'name the rotation file that it belongs to with --rotation-file, or leave the plan out',
  ),
  'reviewed-plan-directory': entry<{ directory: string; foreign: readonly string[] }>(
    EXIT.usage,
    (f) => `${f.directory} holds files that no plan left there: ${f.foreign.slice(0, 5).join(', ')}`,
    () => 'name an empty or a new directory with --out; nothing was removed',
  ),
  'reviewed-plan-unreadable': entry<{ directory: string; reason: string }>(
    EXIT.usage,
    (f) => `${f.directory} holds no reviewed plan: ${f.reason}`,
    () => 'name the directory that `npx keyturn plan --out` wrote',
  ),
  'reviewed-plan-moved': entry<{ directory: string; moved: readonly string[] }>(
    EXIT.refusedByGate,
    (f) => ['what was reviewed is not what would be applied:', ...f.moved.map((one) => `  - ${one}`)].join('\n'),
    () => 'nothing was changed; plan again with `npx keyturn plan` and have the new plan reviewed',
  ),
  'reviewed-plan-refused': entry<{ directory: string; findings: readonly string[] }>(
    EXIT.refusedByGate,
    (f) => `the review refuses the plans: ${f.findings.join(', ')}`,
    () => 'nothing was changed; `npx keyturn review-plan` on the JSON plans says why and what to do',
  ),
} as const;
