import path from 'node:path';
import { EXIT } from '../lib/errors';
import { readWrappedAnswer } from '../lib/key-material/ceremony/wrapped-answer';
import { readWrappingRequest } from '../lib/key-material/ceremony/wrapping-request';
import { importCeremony } from '../lib/workflow/material/ceremony';
import { type CommandContext, type CommandOutcome, flag, type OptionValues } from './cli/command';
import { needed } from './cli/material-options';
import { withRun } from './cli/session';

/** Third part, with AWS access: imports the wrapped material into its key. */
export async function importAnswer(context: CommandContext, options: OptionValues): Promise<CommandOutcome> {
  const { terminal, cwd } = context;
  const request = await readWrappingRequest(path.resolve(cwd, needed('import', options, 'request')));
  const answer = await readWrappedAnswer(path.resolve(cwd, needed('import', options, 'answer')));
  const end = await withRun('material-import', context, options, (run) => importCeremony(run, request, answer), {
    expired: 'accept',
  });
  const dryRun = flag(options, 'dryRun');
  const { version, keyArn, keyMaterialId } = end.result;
  terminal.heading(dryRun ? `dry run: the material matches ${version}` : `${version} has its material`);
  if (end.evidenceFile) terminal.note(`evidence: ${end.evidenceFile}`);
  return {
    exitCode: EXIT.done,
    data: {
      part: 'import',
      rotation: end.rotation.name,
      account: end.account,
      region: end.rotation.region,
      dryRun,
      version,
      keyArn,
      keyMaterialId,
      evidence: end.evidenceFile ?? null,
    },
  };
}
