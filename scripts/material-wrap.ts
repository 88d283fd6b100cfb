import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { answerFingerprint, answerRequest, writeWrappedAnswer } from '../lib/key-material/ceremony/wrapped-answer';
import { readWrappingRequest, refuseStale, type WrappingRequest } from '../lib/key-material/ceremony/wrapping-request';
import type { Custody } from '../lib/rotation/settings';
import { openCustodian } from '../lib/workflow/material/open-custodian';
import { type CommandContext, type CommandOutcome, flag, type OptionValues, text } from './cli/command';
import { needed } from './cli/material-options';
import { readRotation } from './cli/open-target';
import { materialOptions } from './cli/run-options';
import { shellWord } from './cli/shell-word';
import { requestLines, spoken } from './material-shown';

/** Second part, on a machine that needs no network, no credentials and no rotation file. */
export async function wrapMaterial(context: CommandContext, options: OptionValues): Promise<CommandOutcome> {
  const { terminal, cwd, env, signal } = context;
  const request = await readWrappingRequest(path.resolve(cwd, needed('wrap', options, 'request')));
  const now = new Date();
  refuseStale(request, now);
  terminal.heading('the request');
  for (const line of requestLines(request)) terminal.note(line);
  await compare(context, options, request);
  const custody = await custodyFor(context, options, request);
  const dryRun = flag(options, 'dryRun');
  let answered: string | null = null;
  const file = path.resolve(cwd, text(options, 'out') ?? `${request.rotation}-${request.version}.wrapped.json`);
  if (!dryRun) {
    const custodian = await openCustodian(custody, { noCustody: false, env, signal })();
    const answer = await answerRequest(custodian, request, { ...materialOptions(context, options), now });
    await writeWrappedAnswer(file, answer);
    answered = answerFingerprint(answer);
    terminal.note(`custody: ${custodian.locate(request.version)}`);
    terminal.note(`answer        ${spoken(answered)}`);
  }
  terminal.heading(dryRun ? 'dry run: nothing was wrapped' : `wrapped material written to ${file}`);
  if (!dryRun)
    terminal.hint(
      `take it back, read the line "answer" out over another channel, and run \`npx keyturn material import --request ${shellWord(path.basename(needed('wrap', options, 'request')))} --answer ${shellWord(path.basename(file))}\` there; it is not secret`,
    );
  const { rotation, version, keyArn, publicKeySha256, validTo } = request;
  return {
    exitCode: EXIT.done,
    data: {
      part: 'wrap',
      dryRun,
      file: dryRun ? null : file,
      rotation,
      version,
      keyArn,
      publicKeySha256,
      answerSha256: answered,
      validTo,
    },
  };
}

/** An attacker who replaces the public key in the request could read the material, so a person must compare it; `--yes` does not. */
async function compare({ terminal, signal }: CommandContext, options: OptionValues, request: WrappingRequest) {
  const given = text(options, 'fingerprint');
  if (given !== undefined) {
    if (given.replace(/[\s:]/g, '').toLowerCase() === request.publicKeySha256) return;
    throw new KeyturnError('ceremony-mismatch', {
      reason: 'its public key has another fingerprint than the given one',
    });
  }
  if (flag(options, 'dryRun')) return;
  if (!terminal.interactive)
    throw new KeyturnError('usage', {
      problem: 'material wrap needs the fingerprint of the request, which material prepare printed',
      hint: 'let the other person read it out, and pass it with --fingerprint; --yes does not replace it',
    });
  await terminal.confirm(`did the other person read out the fingerprint ${spoken(request.publicKeySha256)}?`, signal);
}

interface NamedCustody {
  readonly name: string;
  readonly custody: Custody;
}

/** From the rotation file if it is given, otherwise from the options. */
async function custodyFor(
  context: CommandContext,
  options: OptionValues,
  request: WrappingRequest,
): Promise<NamedCustody> {
  const { recipient: recipients = [] } = options;
  const directory = text(options, 'directory');
  const named = Array.isArray(recipients) ? recipients.map(String) : [];
  if (text(options, 'rotationFile') !== undefined) {
    if (named.length > 0 || directory !== undefined) {
      throw new KeyturnError('usage', {
        problem: '--rotation-file cannot be combined with --recipient or --directory',
        hint: 'give one of the two',
      });
    }
    return readRotation(context, options, 'accept');
  }
  if (named.length === 0) {
    throw new KeyturnError('usage', {
      problem: 'material wrap needs a custodian',
      hint: 'pass the age recipients with --recipient age1..., or a rotation file with --rotation-file',
    });
  }
  const age = { recipients: named, directory: path.resolve(context.cwd, directory ?? 'custody') };
  return { name: request.rotation, custody: { age, command: undefined, pkcs11: undefined } };
}
