import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of Terraform and of synthesis. */
export const terraformErrors = {
  'terraform-missing': entry<{ tried: readonly string[] }>(
    EXIT.error,
    (f) => `no Terraform found: ${f.tried.join(' and ')} cannot be started, or do not answer as Terraform does`,
    () => 'install Terraform 1.5 or later (or OpenTofu) and put it on PATH, or name it with TERRAFORM_BINARY_NAME',
  ),
  'terraform-too-old': entry<{ file: string; version: string; oldest: string }>(
    EXIT.error,
    (f) => `${f.file} is version ${f.version}, the stacks need ${f.oldest} or later`,
    (f) => `update it to ${f.oldest} or later, or name another one with TERRAFORM_BINARY_NAME`,
  ),
  'terraform-provider-missing': entry<{ version: string; searched: readonly string[]; said: string }>(
    EXIT.error,
    (f) =>
      `Terraform cannot get the AWS provider ${f.version}: ${f.said}${f.searched.length === 0 ? '' : ` (and no mirror holds it: ${f.searched.join(', ')})`}`,
    () =>
      'give access to the registry, or put a mirror on this machine (terraform providers mirror <directory>) and set TF_PLUGIN_MIRROR to it',
  ),
  'synthesis-failed': entry<{ exit: number | null; said: string }>(
    EXIT.error,
    (f) => `the stacks could not be synthesized (exit ${f.exit ?? 'by a signal'}): ${f.said}`,
    () => 'nothing was changed; `npx cdktf synth` shows the same fault',
  ),
  'synthesis-refused': entry<{ said: string; next: string }>(
    EXIT.rotationFile,
    (f) => f.said,
    (f) => f.next,
  ),
  'terraform-guard': entry<{ stack: string; refusals: readonly string[]; next: string }>(
    EXIT.refusedByGate,
    (f) => `the plan of ${f.stack} is refused: ${f.refusals.join('; ')}`,
    (f) => f.next,
  ),
  'terraform-failed': entry<{ command: string; stack: string; exit: number | null; said: string }>(
    EXIT.error,
    (f) => `terraform ${f.command} of ${f.stack} failed (exit ${f.exit ?? 'by a signal'}): ${f.said}`,
    () => 'fix what Terraform says and run the same command again: it continues from what AWS and Terraform hold',
  ),
  'terraform-state-locked': entry<{ stack: string; who: string; since: string; operation: string; id: string }>(
    EXIT.error,
    (f) => `the state of ${f.stack} is locked by ${f.who} since ${f.since} (${f.operation}, lock ${f.id})`,
    (f) =>
      `wait for it to end and run the same command again; only if it is surely gone, run terraform force-unlock ${f.id} in the stack's directory`,
  ),
  'terraform-destroys': entry<{ stack: string; addresses: readonly string[]; next: string }>(
    EXIT.refusedByGate,
    (f) => `the plan of ${f.stack} would destroy ${f.addresses.join(', ')}, and Keyturn applies no such plan`,
    (f) => f.next,
  ),
  'terraform-backend-changed': entry<{ stack: string; directory: string }>(
    EXIT.error,
    (f) => `the rotation file names another backend for ${f.stack} than the one its state was last kept in`,
    (f) => `move the state with terraform init -migrate-state in ${f.directory}, then run the same command again`,
  ),
  'terraform-plan-stale': entry<{ stack: string }>(
    EXIT.error,
    (f) => `the plan of ${f.stack} is stale: its state has changed since`,
    () => 'run the same command again: it plans anew, and the new plan must be reviewed anew',
  ),
  'terraform-plan-unreadable': entry<{ reason: string }>(
    EXIT.error,
    (f) => `cannot read the plan as Terraform shows it: ${f.reason}`,
    () => 'use a Terraform whose JSON plans have format 1.x (every 1.x release), and report it if it has',
  ),
} as const;
