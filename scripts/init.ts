import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { EXIT, KeyturnError } from '../lib/errors';
import { parseRotation } from '../lib/rotation/rotation-file';
import { type CommandContext, type CommandDefinition, flag, text } from './cli/command';
import {
  FORGES,
  type Forge,
  findForge,
  IGNORED,
  OWNED,
  type StarterFile,
  starterFiles,
  withLines,
} from './starter-files';

export const init: CommandDefinition = {
  description:
    'Writes rotation.yaml with comments, cdktf.json, a main.ts that declares both stacks, and the pipeline of the forge ' +
    'that it finds (by .github/, .gitlab-ci.yml, atlantis.yaml or the remote "origin") with its shell steps in ' +
    'keyturn/steps/. Adds lines to .gitignore and CODEOWNERS. Overwrites nothing, and asks AWS nothing.',
  options: [
    { flags: '--name <name>', description: 'name of the rotation; its stacks are <name>-keys and <name>-storage' },
    { flags: '--region <region>', description: 'Region of keys and buckets' },
    { flags: '--alias <alias>', description: 'the alias that applications use: alias/…' },
    { flags: '--bucket <name>', description: 'the first bucket' },
    { flags: '--forge <forge>', description: 'the pipeline to write', choices: [...FORGES, 'none'] },
    { flags: '--keep-existing', description: 'leave files that exist as they are, and write the rest' },
  ],
  mutates: false,
  examples: [
    'npx keyturn init',
    'npx keyturn init --name payroll --region eu-central-1 --alias alias/payroll --bucket payroll-data --forge gitlab',
  ],
  async run(context, options) {
    const values = Object.fromEntries(
      ['name', 'region', 'alias', 'bucket'].flatMap((name) => {
        const value = text(options, name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const forge = await forgeOf(context, text(options, 'forge'));
    const files = starterFiles(values, forge);
    // A value that the rotation file does not allow is found before anything is written.
    await parseRotation(files[0]?.text ?? '', path.join(context.cwd, 'rotation.yaml'), { now: new Date() });
    const existing = files.filter(({ file }) => existsSync(path.join(context.cwd, file))).map(({ file }) => file);
    if (existing.length > 0 && !flag(options, 'keepExisting'))
      throw new KeyturnError('files-exist', { files: existing });
    const written = await write(
      context.cwd,
      files.filter(({ file }) => !existing.includes(file)),
    );
    const extended = [
      ...(await extend(context.cwd, '.gitignore', IGNORED)),
      ...(await extend(context.cwd, codeOwners(context.cwd), OWNED)),
    ];
    report(context, { written, extended, kept: existing, forge });
    return { exitCode: EXIT.done, data: { written, extended, kept: existing, forge } };
  },
};

async function forgeOf({ cwd, env }: CommandContext, given: string | undefined): Promise<Forge | undefined> {
  if (given !== undefined) return FORGES.find((one) => one === given);
  const asked = promisify(execFile)('git', ['remote', 'get-url', 'origin'], { cwd, env });
  const remote = await asked.catch(() => undefined);
  return findForge(cwd, remote?.stdout.trim());
}

/** @returns what was written */
async function write(directory: string, files: readonly StarterFile[]): Promise<readonly string[]> {
  for (const { file, text: content, executable } of files) {
    const target = path.join(directory, file);
    await mkdir(path.dirname(target), { recursive: true });
    // `wx`: a file that appeared since the check is not overwritten either.
    await writeFile(target, content, { flag: 'wx', mode: executable ? 0o755 : 0o644 });
  }
  return files.map(({ file }) => file);
}

/** Where the forges look for it: the first place that is in use, or else the top of the repository. */
function codeOwners(directory: string): string {
  const places = ['.github/CODEOWNERS', '.gitlab/CODEOWNERS', 'docs/CODEOWNERS'];
  return places.find((place) => existsSync(path.join(directory, place))) ?? 'CODEOWNERS';
}

/** Adds lines to a file that may hold others. @returns its name, or nothing where it had them all */
async function extend(directory: string, file: string, lines: string): Promise<readonly string[]> {
  const target = path.join(directory, file);
  const present = await readFile(target, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const content = withLines(present, lines);
  if (content === undefined) return [];
  await writeFile(target, content);
  return [file];
}

interface Written {
  readonly written: readonly string[];
  readonly extended: readonly string[];
  readonly kept: readonly string[];
  readonly forge: Forge | undefined;
}

function report({ terminal }: CommandContext, { written, extended, kept, forge }: Written): void {
  for (const file of written) terminal.note(`wrote ${file}`);
  for (const file of extended) terminal.note(`added lines to ${file}`);
  for (const file of kept) terminal.note(`left ${file} as it is`);
  if (forge === undefined) terminal.note('no pipeline: nothing says which forge this is; --forge names one');
  else
    terminal.note(`pipeline for ${forge}: docs/pipelines.md lists the roles, variables and environments that it needs`);
  terminal.note(
    '.terraform.lock.hcl is not written: only a registry knows the hashes of the provider for other platforms',
  );
  terminal.hint('npx keyturn keygen --out ~/keyturn-identity.txt, and put what it prints into custody.age.recipients');
  terminal.hint('edit rotation.yaml, then npx keyturn doctor');
  terminal.hint('or, if the key, its alias and the bucket exist already: npx keyturn adopt --alias alias/...');
}
