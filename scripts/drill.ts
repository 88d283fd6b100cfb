import { EXIT, KeyturnError } from '../lib/errors';
import { type DrillResult, drillableVersions, drillVersion } from '../lib/workflow/material/drill-version';
import type { RotationRun } from '../lib/workflow/rotation-run';
import { type CommandDefinition, flag, rotationFileOption, text } from './cli/command';
import { identityOption } from './cli/flow-options';
import { withRun } from './cli/session';

export const drill: CommandDefinition = {
  description:
    'Imports the material from custody into its own enabled key again, with the same expiry: KMS rejects any other ' +
    'bytes. The key and its objects do not change. A dry run stops before that import, so it only proves that ' +
    'custody can be decrypted. ' +
    '`status` shows the date of the last drill.',
  options: [
    rotationFileOption,
    { flags: '--version <name>', description: 'the key version; default: every version whose key is enabled' },
    identityOption,
    {
      flags: '--reseal',
      description: 'then seal each copy again for the recipients that the rotation file names now; a copy of age only',
    },
  ],
  mutates: true,
  examples: [
    'npx keyturn drill --identity identity.txt',
    'npx keyturn drill --version v2 --identity identity.txt --dry-run',
  ],
  async run(context, options) {
    const end = await withRun(
      'drill',
      context,
      options,
      (run) => drillAll(run, text(options, 'version'), flag(options, 'reseal')),
      {
        expired: 'accept',
      },
    );
    const { terminal } = context;
    const dryRun = flag(options, 'dryRun');
    terminal.heading(
      dryRun ? 'dry run: custody can be decrypted; its content was not compared' : 'custody holds the material',
    );
    for (const { version, custody, keyMaterialId } of end.result) {
      terminal.note(
        `${version}: ${custody.location}${keyMaterialId ? `, material ${keyMaterialId.slice(0, 12)}…` : ''}`,
      );
    }
    if (end.evidenceFile) terminal.note(`evidence: ${end.evidenceFile}`);
    return {
      exitCode: EXIT.done,
      data: {
        rotation: end.rotation.name,
        account: end.account,
        region: end.rotation.region,
        dryRun,
        drills: end.result,
        evidence: end.evidenceFile ?? null,
      },
    };
  },
};

/** A person, or the lack of one, ends the command; anything else is the finding of one version. */
const ENDS: ReadonlySet<string> = new Set(['interrupted', 'declined', 'confirmation-needed']);

/** Every version is drilled, also after one that failed. */
async function drillAll(run: RotationRun, named: string | undefined, reseal: boolean): Promise<readonly DrillResult[]> {
  const versions = named === undefined ? await drillableVersions(run) : [named];
  if (versions.length === 0) {
    throw new KeyturnError('usage', {
      problem: 'no version has an enabled key with material that Keyturn imported, so there is nothing to drill',
      hint: 'run `npx keyturn status` to see the key states',
    });
  }
  const results: DrillResult[] = [];
  const failed: { readonly version: string; readonly error: KeyturnError }[] = [];
  for (const version of versions) {
    run.reporter.heading(`drill ${version}`);
    try {
      results.push(await drillVersion(run, version, { reseal }));
    } catch (error) {
      if (!(error instanceof KeyturnError) || ENDS.has(error.code)) throw error;
      run.reporter.warn(`${version}: ${error.message}`);
      failed.push({ version, error });
    }
  }
  const [first, ...more] = failed;
  if (!first) return results;
  if (more.length === 0) throw first.error;
  throw new KeyturnError('drills-failed', {
    failed: failed.map(({ version, error }) => ({ version, code: error.code, message: error.message })),
  });
}
