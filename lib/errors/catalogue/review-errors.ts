import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of the plan review and of saved plans. */
export const reviewErrors = {
  'review-plan-unreadable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `${f.file} cannot be reviewed: ${f.reason}`,
    () => 'pass a plan file, or the complete output of `terraform show -json <plan file>`',
  ),
  'review-plan-newer': entry<{ file: string; version: string }>(
    EXIT.error,
    (f) => `${f.file} has plan format ${f.version}; this review supports 1.x`,
    () => 'use a Terraform whose JSON plans have format 1.x, or a newer Keyturn',
  ),
  'review-plan-other-rotation': entry<{ file: string; rotation: string; found: string }>(
    EXIT.usage,
    (f) => `${f.file} is not a plan of rotation ${f.rotation}: ${f.found}`,
    () => 'name its rotation file with --rotation-file, or omit the plan',
  ),
  'reviewed-plan-directory': entry<{ directory: string; foreign: readonly string[] }>(
    EXIT.usage,
    (f) => `${f.directory} holds files that do not belong to a plan: ${f.foreign.slice(0, 5).join(', ')}`,
    () => 'nothing was removed; name an empty or new directory with --out',
  ),
  'reviewed-plan-unreadable': entry<{ directory: string; reason: string }>(
    EXIT.usage,
    (f) => `${f.directory} holds no reviewed plan: ${f.reason}`,
    () => 'name the directory that `npx keyturn plan --out` wrote',
  ),
  'reviewed-plan-moved': entry<{ directory: string; moved: readonly string[] }>(
    EXIT.refusedByGate,
    (f) => ['the reviewed plan differs from what would be applied:', ...f.moved.map((one) => `  - ${one}`)].join('\n'),
    () => 'nothing was changed; plan again with `npx keyturn plan` and have the new plan reviewed',
  ),
  'reviewed-plan-refused': entry<{ directory: string; findings: readonly string[] }>(
    EXIT.refusedByGate,
    (f) => `the review rejects the plans: ${f.findings.join(', ')}`,
    () => 'nothing was changed; run `npx keyturn review-plan` on the JSON plans to see each finding and its fix',
  ),
} as const;
