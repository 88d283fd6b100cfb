import { EXIT, KeyturnError } from '../lib/errors';
import { type DrillResult, drillableVersions, drillVersion } from '../lib/workflow/material/drill-version';
import type { RotationRun } from '../lib/workflow/rotation-run';
import { type CommandDefinition, flag, rotationFileOption, text } from './cli/command';
import { identityOption } from './cli/flow-options';
import { withRun } from './cli/session';

export const drill: CommandDefinition = {
  name: 'drill',
  summary: 'prove that custody holds the material of the keys',
  description:
    'Opens the custody of each version whose key is enabled, wraps the material, and imports it into its own key as the ' +
    'material it has already, with the date it has already: KMS refuses any other bytes. The key goes on as before, ' +
    'no object is read or written. A dry run goes up to that call, so it proves that custody opens and not what it holds. ' +
    'The evidence keeps the date of every drill, and `status` shows it.',
  options: [
    rotationFileOption,
    { flags: '--version <name>', description: 'the key version; default: every one whose key is enabled' },
    identityOption,
  ],
  mutates: true,
  examples: [
    'npx keyturn drill --identity identity.txt',
    'npx keyturn drill --version v2 --identity identity.txt --dry-run',
  ],
  async run(context, options) {
    const end = await withRun('drill', context, options, (run) => drillAll(run, text(options, 'version')), {
      expired: 'accept',
    });
    const { terminal } = context;
    const dryRun = flag(options, 'dryRun');
    terminal.heading(dryRun ? 'dry run: custody opens; what it holds was not compared' : 'custody holds the material');
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

async function drillAll(run: RotationRun, named: string | undefined): Promise<readonly DrillResult[]> {
  const versions = named === undefined ? await drillableVersions(run) : [named];
  if (versions.length === 0) {
    throw new KeyturnError('usage', {
      problem: 'no version has an enabled key with material of ours, so there is nothing to drill',
      hint: 'look at the key states with `npx keyturn status`',
    });
  }
  const results: DrillResult[] = [];
  for (const version of versions) {
    run.reporter.heading(`drill ${version}`);
    results.push(await drillVersion(run, version));
  }
  return results;
}
