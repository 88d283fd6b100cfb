import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { readWrappedAnswer } from '../lib/key-material/ceremony/wrapped-answer';
import { readWrappingRequest } from '../lib/key-material/ceremony/wrapping-request';
import { importCeremony } from '../lib/workflow/material/ceremony';
import { type CommandContext, type CommandOutcome, flag, type OptionValues, text } from './cli/command';
import { needed } from './cli/material-options';
import { withRun } from './cli/session';
import { givenValidTo } from './material-expiry';
import { spoken } from './material-shown';

const EXAMPLE =
  'npx keyturn material import --request rotation-test-v2.request.json --answer rotation-test-v2.wrapped.json --valid-days 300';

/**
 * Whoever carries the answer could have wrapped bytes of his own for this request: `--yes` does not say that nobody did.
 *
 * @throws usage, ceremony-mismatch, declined
 */
async function compare(
  { terminal, signal }: CommandContext,
  options: OptionValues,
  fingerprint: string,
): Promise<void> {
  terminal.note(`answer        ${spoken(fingerprint)}`);
  const given = text(options, 'fingerprint');
  if (given !== undefined) {
    if (given.replace(/[\s:]/g, '').toLowerCase() === fingerprint) return;
    throw new KeyturnError('ceremony-mismatch', { reason: 'the answer has another fingerprint than the given one' });
  }
  if (flag(options, 'dryRun')) return;
  if (!terminal.interactive)
    throw new KeyturnError('usage', {
      problem: 'material import needs the fingerprint of the answer, which material wrap printed',
      hint: 'let the other person read it out, and pass it with --fingerprint; --yes does not replace it',
    });
  await terminal.confirm(`did the other person read out the answer ${spoken(fingerprint)}?`, signal);
}

/** Third part, with AWS access: imports the wrapped material into its key. */
export async function importAnswer(context: CommandContext, options: OptionValues): Promise<CommandOutcome> {
  const { terminal, cwd } = context;
  const request = await readWrappingRequest(path.resolve(cwd, needed('import', options, 'request')));
  const answer = await readWrappedAnswer(path.resolve(cwd, needed('import', options, 'answer')));
  const decisions = {
    validTo: givenValidTo(options, new Date(), EXAMPLE),
    compare: (fingerprint: string) => compare(context, options, fingerprint),
  };
  const end = await withRun(
    'material-import',
    context,
    options,
    (run) => importCeremony(run, request, answer, decisions),
    { expired: 'accept' },
  );
  const dryRun = flag(options, 'dryRun');
  const { version, keyArn, keyMaterialId, validTo } = end.result;
  const until = validTo === null ? 'does not expire' : `is valid to ${validTo}`;
  terminal.heading(
    dryRun ? `dry run: the material matches ${version}` : `${version} has its material, which ${until} by KMS`,
  );
  if (decisions.validTo && !dryRun) terminal.hint('commit the rotation file with its new date');
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
      validTo,
      evidence: end.evidenceFile ?? null,
    },
  };
}
