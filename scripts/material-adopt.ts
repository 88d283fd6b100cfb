import path from 'node:path';
import { EXIT } from '../lib/errors';
import { adoptVersionMaterial } from '../lib/workflow/material/adopt-version';
import { type CommandContext, type CommandOutcome, flag, type OptionValues } from './cli/command';
import { needed } from './cli/material-options';
import { withRun } from './cli/session';

/** Puts the material of a version that lies in a file into custody, once KMS has confirmed it. */
export async function adoptFile(context: CommandContext, options: OptionValues): Promise<CommandOutcome> {
  const { terminal, cwd } = context;
  const version = needed('adopt', options, 'version');
  const file = path.resolve(cwd, needed('adopt', options, 'materialFile'));
  const end = await withRun('material-adopt', context, options, (run) => adoptVersionMaterial(run, version, file), {
    expired: 'accept',
  });
  const dryRun = flag(options, 'dryRun');
  const { custody } = end.result;
  terminal.heading(
    dryRun ? `dry run: ${version} would go into custody (${custody})` : `${version} is in custody: ${custody}`,
  );
  if (end.evidenceFile) terminal.note(`evidence: ${end.evidenceFile}`);
  if (!dryRun) {
    terminal.hint(`prove the copy: \`npx keyturn drill --version ${version} --identity <age identity file>\``);
    terminal.hint(`then destroy ${file}, and commit rotation.lock.json`);
  }
  return {
    exitCode: EXIT.done,
    data: { part: 'adopt', rotation: end.rotation.name, dryRun, ...end.result, evidence: end.evidenceFile ?? null },
  };
}
