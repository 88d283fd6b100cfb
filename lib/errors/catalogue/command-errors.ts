import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of the command line and of a whole run. */
export const commandErrors = {
  usage: entry<{ problem: string; hint: string }>(
    EXIT.usage,
    (f) => f.problem,
    (f) => f.hint,
  ),
  interrupted: entry<{ during: string }>(
    EXIT.interrupted,
    (f) => `interrupted during ${f.during}`,
    () => 'run the same command again: it resumes from the state in AWS and Terraform',
  ),

  declined: entry<{ question: string }>(
    EXIT.error,
    (f) => `declined: ${f.question}`,
    () => 'this step changed nothing; run the same command again when you are ready',
  ),
  'confirmation-needed': entry<{ question: string }>(
    EXIT.usage,
    (f) => `cannot ask "${f.question}" without a terminal`,
    () => 'confirm in advance with --yes, or preview with --dry-run',
  ),
  'engine-undeclared': entry<{ engine: string; file: string }>(
    EXIT.usage,
    (f) => `--engine ${f.engine} needs a bucket for manifests and reports, and ${f.file} declares none`,
    () =>
      'declare reencrypt.engine and reencrypt.batch.bucket in the rotation file, then apply the storage stack, which creates the role of the jobs; see docs/scale.md',
  ),
  'files-exist': entry<{ files: readonly string[] }>(
    EXIT.usage,
    (f) => `there is already ${f.files.join(', ')}; nothing was written`,
    () => 'move what is there away, or leave it as it is and write only the rest: --keep-existing',
  ),
  'run-locked': entry<{ lock: string; pid: number; since: string }>(
    EXIT.error,
    (f) => `another run of Keyturn is working on this rotation: process ${f.pid}, since ${f.since}`,
    (f) => `wait until it ends; if that process no longer exists, remove ${f.lock}`,
  ),
  'disk-unwritable': entry<{ file: string; code: string; reason: string }>(
    EXIT.error,
    (f) => `cannot use ${f.file}: ${f.reason}`,
    (f) =>
      f.code === 'ENOSPC' || f.code === 'EDQUOT'
        ? 'free space there, then run the same command again: it resumes from the state in AWS'
        : 'run it in a folder that can be written: lock, evidence and custody are beside the rotation file; then run the same command again',
  ),
  'output-unwritable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot write ${f.file}: ${f.reason}`,
    () => 'choose a writable path in an existing directory, then run the same command again',
  ),
} as const;
