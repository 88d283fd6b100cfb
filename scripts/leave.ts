import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { type LeavingStack, leavingStack } from '../lib/terraform/leaving';
import { synthesize } from '../lib/terraform/synthesize';
import {
  type CommandContext,
  type CommandDefinition,
  flag,
  type OptionValues,
  rotationFileOption,
  text,
} from './cli/command';
import { withReading } from './cli/session';
import { shellWord } from './cli/shell-word';

export const leave: CommandDefinition = {
  description:
    'Prints a `removed` block for every resource of both stacks, and writes two configurations that Terraform applies to ' +
    'forget them. Keys, aliases and buckets stay in AWS as they are; nothing is destroyed. Changes neither AWS nor a ' +
    'state itself. docs/leave.md has the whole procedure.',
  options: [
    rotationFileOption,
    {
      flags: '--out <directory>',
      description: 'directory of the two configurations, beside the rotation file; it must not exist',
      default: 'keyturn-leave',
    },
  ],
  mutates: false,
  examples: ['npx keyturn leave', 'npx keyturn leave --out bye --json'],
  async run(context, options) {
    refuseElsewhere(context, options);
    const { rotation, result } = await withReading(
      context,
      options,
      async (run) => {
        const { file, name } = run.rotation;
        const { env, signal } = context;
        const stacks = await synthesize({ rotationFile: file, name, workDirectory: path.dirname(file), env, signal });
        const leaving: LeavingStack[] = [];
        for (const role of ['keys', 'storage'] as const)
          leaving.push(await leavingStack(stacks[role], await run.workspace.managed(role)));
        return leaving;
      },
      { onStacks: 'leave' },
    );
    const out = path.resolve(path.dirname(rotation.file), text(options, 'out') ?? 'keyturn-leave');
    for (const stack of result) await write(out, stack);
    const { terminal } = context;
    if (!flag(options, 'json')) terminal.data(result.map(({ name, blocks }) => `# ${name}\n${blocks}`).join('\n'));
    for (const { name } of result) {
      const at = shellWord(path.join(path.relative(context.cwd, out) || '.', 'stacks', name));
      terminal.hint(`terraform -chdir=${at} init && terraform -chdir=${at} apply`);
    }
    return {
      exitCode: EXIT.done,
      data: {
        rotation: rotation.name,
        directory: out,
        stacks: result.map(({ name, addresses }) => ({ name, addresses })),
      },
    };
  },
};

/** A local state is named relative to the folder of its stack: elsewhere Terraform would find none, and forget nothing. */
function refuseElsewhere({ cwd }: CommandContext, options: OptionValues): void {
  const home = path.dirname(path.resolve(cwd, text(options, 'rotationFile') ?? 'rotation.yaml'));
  const given = text(options, 'out') ?? 'keyturn-leave';
  const out = path.resolve(home, given);
  if (path.dirname(out) === home && out !== path.join(home, 'cdktf.out')) return;
  throw new KeyturnError('usage', {
    problem: `--out ${given} is no new directory beside the rotation file`,
    hint: 'name one that stands in the same folder, such as keyturn-leave: the state is named relative to it',
  });
}

/** As deep as `cdktf.out/stacks/<stack>`, since a local state is named relative to it. */
async function write(out: string, { name, configuration }: LeavingStack): Promise<void> {
  const folder = path.join(out, 'stacks', name);
  const file = path.join(folder, 'main.tf.json');
  try {
    await mkdir(path.dirname(folder), { recursive: true });
    await mkdir(folder);
    await writeFile(file, configuration, { flag: 'wx' });
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new KeyturnError('output-unwritable', { file, reason }, error);
  }
}
