/** What the commands that review plans take beside the plans: the base, the proposal, the evidence. */

import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { KeyturnError } from '../../lib/errors';
import { loadBase } from '../../lib/plan-bundle/base-file';
import type { EvidenceSource } from '../../lib/plan-bundle/green-evidence';
import type { Revisions } from '../../lib/plan-bundle/review-plan-files';
import { evidenceFolder } from '../../lib/rotation/own-folder';
import type { Rotation } from '../../lib/rotation/rotation';
import { type CommandContext, type CommandOption, type OptionValues, text } from './command';
import { publicKeysOf } from './public-keys';

/** The options of `review-plan` and `plan`. */
export const baseOptions: readonly CommandOption[] = [
  {
    flags: '--base <file or revision>',
    description: 'the rotation file before the change, as a file or a git revision; classifies what changed in it',
  },
  {
    flags: '--proposed <revision>',
    description:
      'with a revision as --base: the commit that is proposed (default: HEAD); classifies every other file that it changes',
  },
];

/** The base that was named; undefined: none. */
export async function baseOf(
  { cwd, env }: CommandContext,
  options: OptionValues,
  rotation: Rotation,
): Promise<Rotation | undefined> {
  const base = text(options, 'base');
  return base === undefined ? undefined : loadBase({ rotation, base, cwd, env });
}

/**
 * The revisions of the change; undefined: no base was named, or it is a file.
 *
 * @throws usage for a proposal without the revision that it starts from
 */
export function revisionsOf({ cwd }: CommandContext, options: OptionValues): Revisions | undefined {
  const [base, proposed] = [text(options, 'base'), text(options, 'proposed')];
  if (base !== undefined && !isFile(path.resolve(cwd, base))) return { base, proposed: proposed ?? 'HEAD' };
  if (proposed === undefined) return undefined;
  throw new KeyturnError('usage', {
    problem: '--proposed is used only with a git revision as --base',
    hint: 'pass --base with the revision that the proposal starts from, such as origin/main',
  });
}

/** As for {@link loadBase}, where a folder is no base. */
const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() === true;

/** A rollback may be declared only to the active version; any other version is a mistake. */
export function rollbackTo(
  { activeVersion }: Pick<Rotation, 'activeVersion'>,
  named: string | undefined,
): string | undefined {
  if (named === undefined || named === activeVersion) return named;
  const problem = `--rollback names ${named}, but the active version of the rotation file is ${activeVersion}`;
  throw new KeyturnError('usage', { problem, hint: 'name the active version of the rotation file' });
}

/** An option of every command that reviews. */
export const signerOption: CommandOption = {
  flags: '--public-key <file>',
  description:
    'public key of a signer, PEM: only evidence that such a key signed counts. Repeat it for several signers',
  repeats: true,
};

/** The options of `plan`, `apply` and `drift`. */
export const evidenceOptions: readonly CommandOption[] = [
  {
    flags: '--evidence <path>',
    description: 'evidence of retired versions; default: .keyturn/evidence next to the rotation file',
  },
  signerOption,
];

/**
 * The evidence that the review reads; undefined: none is there.
 *
 * @param file - absolute, the rotation file: without `--evidence` its own runs count; undefined: none does
 */
export async function evidenceSource(
  context: CommandContext,
  options: OptionValues,
  file: string | undefined,
): Promise<EvidenceSource | undefined> {
  const publicKeys = await publicKeysOf(context, options);
  const named = text(options, 'evidence');
  const own = file === undefined ? undefined : evidenceFolder(file);
  const found = named === undefined ? own : path.resolve(context.cwd, named);
  if (found === undefined || (named === undefined && !existsSync(found))) return undefined;
  return { path: found, publicKeys, base: text(options, 'base'), env: context.env };
}
