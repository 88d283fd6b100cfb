import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of Terraform and of synthesis. */
export const terraformErrors = {
  'working-files-committed': entry<{ folder: string; files: readonly string[] }>(
    EXIT.refusedByGate,
    (f) =>
      `git tracks working files of Keyturn or Terraform in ${f.folder}: ${f.files.slice(0, 5).join(', ')}${f.files.length > 5 ? ` and ${f.files.length - 5} more` : ''}; somebody who committed them could bring a provider that runs during the plan, or evidence of what never was`,
    () =>
      'remove them from the repository (git rm -r --cached cdktf.out .keyturn), and put both into .gitignore. Keep evidence in the evidence bucket, or on a branch of its own as examples/steps/archive.sh does',
  ),
  'repository-unreadable': entry<{ folder: string; reason: string }>(
    EXIT.error,
    (f) => `git cannot read the repository of ${f.folder}, so it is unknown which files are committed: ${f.reason}`,
    () =>
      'install git; in a container whose checkout belongs to another user, run `git config --global --add safe.directory <folder>`',
  ),
  'terraform-missing': entry<{ tried: readonly string[] }>(
    EXIT.error,
    (f) => `no Terraform found: ${f.tried.join(' and ')} cannot be started, or did not respond like Terraform`,
    () => 'install Terraform 1.5 or later (or OpenTofu) and put it on PATH, or name it with TERRAFORM_BINARY_NAME',
  ),
  'terraform-too-old': entry<{ file: string; version: string; oldest: string }>(
    EXIT.error,
    (f) => `${f.file} is version ${f.version}; the stacks need ${f.oldest} or later`,
    (f) => `update it to ${f.oldest} or later, or name another binary with TERRAFORM_BINARY_NAME`,
  ),
  'terraform-provider-missing': entry<{ required: string; searched: readonly string[]; reported: string }>(
    EXIT.error,
    (f) =>
      `Terraform cannot get the AWS provider ${f.required}: ${f.reported}${f.searched.length === 0 ? '' : ` (and no mirror holds it: ${f.searched.join(', ')})`}`,
    () =>
      'allow access to the registry, or create a mirror on this machine (terraform providers mirror <directory>) and set TF_PLUGIN_MIRROR to it',
  ),
  'synthesis-failed': entry<{ exit: number | null; reported: string }>(
    EXIT.error,
    (f) => `the stacks could not be synthesized (exit ${f.exit ?? 'by a signal'}): ${f.reported}`,
    () => 'nothing was changed; `npx cdktf synth` reports the same fault',
  ),
  'synthesis-refused': entry<{ message: string; next: string }>(
    EXIT.rotationFile,
    (f) => f.message,
    (f) => f.next,
  ),
  'terraform-guard': entry<{ stack: string; refusals: readonly string[]; next: string }>(
    EXIT.refusedByGate,
    (f) => `a precondition refused the plan of ${f.stack}: ${f.refusals.join('; ')}`,
    (f) => f.next,
  ),
  'terraform-failed': entry<{ command: string; stack: string; exit: number | null; reported: string }>(
    EXIT.error,
    (f) => `terraform ${f.command} of ${f.stack} failed (exit ${f.exit ?? 'by a signal'}): ${f.reported}`,
    () =>
      'fix the cause that Terraform reports and run the same command again: it resumes from the state in AWS and Terraform',
  ),
  'terraform-wrapped': entry<{
    file: string;
    command: string;
    stack: string;
    exit: number | null;
    reported: string;
  }>(
    EXIT.error,
    (f) =>
      `${f.file} ${f.command} of ${f.stack} ended with exit ${f.exit ?? 'by a signal'}, but its output reports ${f.reported}: it is not Terraform itself, but a wrapper that changes exit codes or output`,
    () =>
      'remove the wrapper (terraform_wrapper: false in setup-terraform), or name the real binary with TERRAFORM_BINARY_NAME',
  ),
  'terraform-environment': entry<{ variables: readonly string[] }>(
    EXIT.usage,
    (f) => `these variables would change what Terraform plans or where its state lies: ${f.variables.join(', ')}`,
    (f) =>
      `unset them (unset ${f.variables.join(' ')}); the rotation file alone names the backend, and each rotation file has one state`,
  ),
  'terraform-workspace-selected': entry<{ stack: string; selected: string; directory: string }>(
    EXIT.error,
    (f) =>
      `the directory of ${f.stack} has the Terraform workspace ${f.selected} selected; its state is not this rotation's`,
    (f) => `run terraform workspace select default in ${f.directory}, then run the same command again`,
  ),
  'terraform-state-locked': entry<{ stack: string; who: string; since: string; operation: string; id: string }>(
    EXIT.error,
    (f) => `the state of ${f.stack} is locked by ${f.who} since ${f.since} (${f.operation}, lock ${f.id})`,
    (f) =>
      `wait until it ends and run the same command again; only if you are sure that it no longer runs, run terraform force-unlock ${f.id} in the stack's directory`,
  ),
  'terraform-destroys': entry<{ stack: string; addresses: readonly string[]; next: string }>(
    EXIT.refusedByGate,
    (f) => `the plan of ${f.stack} would destroy ${f.addresses.join(', ')}; Keyturn never applies such a plan`,
    (f) => f.next,
  ),
  'terraform-backend-changed': entry<{ stack: string; directory: string }>(
    EXIT.error,
    (f) => `the rotation file declares another backend for ${f.stack} than the one that holds its state`,
    (f) => `move the state with terraform init -migrate-state in ${f.directory}, then run the same command again`,
  ),
  'terraform-plan-stale': entry<{ stack: string }>(
    EXIT.error,
    (f) => `the plan of ${f.stack} is stale: its state has changed since`,
    () => 'run the same command again: it creates a new plan, which must be reviewed again',
  ),
  'terraform-plan-unreadable': entry<{ reason: string }>(
    EXIT.error,
    (f) => `cannot read the JSON plan of Terraform: ${f.reason}`,
    () => 'use a Terraform whose JSON plans have format 1.x (every 1.x release); if you do, report this as a bug',
  ),
} as const;
