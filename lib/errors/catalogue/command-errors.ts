import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Errors of the command line, and of a run as a whole. */
export const commandErrors = {
  usage: entry<{ problem: string; hint: string }>(
    EXIT.usage,
    (f) => f.problem,
    (f) => f.hint,
  ),
  interrupted: entry<{ during: string }>(
    EXIT.interrupted,
    (f) => `interrupted during ${f.during}`,
    () => 'run the same command again: it continues from what AWS and Terraform hold',
  ),

  declined: entry<{ question: string }>(
    EXIT.error,
    (f) => `declined: ${f.question}`,
    () => 'nothing was changed by this step; run the same command again when it should be',
  ),
  'confirmation-needed': entry<{ question: string }>(
    EXIT.usage,
    (f) => `cannot ask "${f.question}" without a terminal`,
    () => 'say yes beforehand with --yes, or look first with --dry-run',
  ),
  'engine-undeclared': entry<{ engine: string; file: string }>(
    EXIT.usage,
    (f) => `--engine ${f.engine} needs what ${f.file} does not declare: where jobs keep their manifests and reports`,
    () =>
      'declare reencrypt.engine and reencrypt.batch.bucket in the rotation file and apply the storage stack, which makes their role; docs/scale.md says how',
  ),
  'run-locked': entry<{ lock: string; pid: number; since: string }>(
    EXIT.error,
    (f) => `another run of Keyturn works on this rotation: process ${f.pid}, since ${f.since}`,
    (f) => `wait for it to end; if that process is gone, remove ${f.lock}`,
  ),
  'output-unwritable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot write ${f.file}: ${f.reason}`,
    () => 'choose a path in an existing folder that you may write to, and run the same command again',
  ),
} as const;
