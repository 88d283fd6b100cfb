import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { callerIdentity } from '../lib/aws/caller-identity';
import { clientsFor } from '../lib/aws/rotation-clients';
import { EXIT, isCode, KeyturnError } from '../lib/errors';
import { type Adoptable, observeAdoptable, takenAliases } from '../lib/observation/adoptable';
import { type Adoption, type AdoptionWay, adoption, nameFromAlias, whyNotTakenOver } from '../lib/proposals/adoption';
import { adoptionBody, adoptionDiff, adoptionTitle } from '../lib/proposals/adoption-body';
import { adoptionFile } from '../lib/proposals/adoption-file';
import { harmlessLines } from '../lib/proposals/markdown';
import { declareAdopted } from '../lib/rotation/adoption-edit';
import { planCommand, rotateCommand } from '../lib/rotation/declared-stacks';
import type { Rotation } from '../lib/rotation/rotation';
import { writeRotation } from '../lib/rotation/rotation-edit';
import { parseRotation, readRotationText } from '../lib/rotation/rotation-file';
import { ownedNotes, refuseUnwritten, undeclaredNotes } from './adopt-present';
import { showFound, shownFound, WAYS } from './adopt-report';
import { accessFrom, accessOptions } from './cli/access-options';
import {
  type CommandContext,
  type CommandDefinition,
  type CommandOutcome,
  flag,
  type OptionValues,
  rotationFileOption,
  text,
  texts,
} from './cli/command';
import { starterValues } from './starter-files';

export const adopt: CommandDefinition = {
  description:
    'Looks at the alias, its key, the buckets whose default names it, and who else uses it; then writes the rotation ' +
    'file, in place of what `init` wrote, or adds to one that was edited. --move-away: objects leave the old key, which stays as it is. ' +
    '--take-over: the old key becomes a version of the rotation, with its policy, tags and alias under Terraform. ' +
    'Only reads AWS; docs/adopt.md compares the two.',
  options: [
    rotationFileOption,
    { flags: '--alias <alias>', description: 'the alias that points at the old key, alias/...' },
    {
      flags: '--bucket <name>',
      description: "a bucket to cover; accepts several; default: those whose default names the alias's key",
      repeats: true,
    },
    {
      flags: '--key <arn>',
      description: 'another old key that objects are under, to move away from; accepts several',
      repeats: true,
    },
    { flags: '--move-away', description: 'declare the old key by keyArn: Keyturn empties it and gives the verdict' },
    { flags: '--take-over', description: 'declare the old key by takeOver: it becomes a version of the rotation' },
    { flags: '--retire', description: 'with --move-away: let Keyturn disable the emptied keys behind the gate' },
    {
      flags: '--keep-policy',
      description: "with --take-over: keep the key policy, and add Keyturn's statements to it",
    },
    { flags: '--no-new-version', description: 'declare no new version: the old key stays the active one' },
    {
      flags: '--recipient <age1...>',
      description: 'age recipient of the custody copies; accepts several',
      repeats: true,
    },
    { flags: '--name <name>', description: 'the name of the rotation; default: from the alias' },
    { flags: '--region <region>', description: 'default: AWS_REGION, or AWS_DEFAULT_REGION' },
    ...accessOptions,
    { flags: '--body <file>', description: 'write the body of the pull request, Markdown, to this file' },
  ],
  mutates: true,
  examples: [
    'npx keyturn adopt --alias alias/photos --take-over --recipient age1...',
    'npx keyturn adopt --alias alias/photos --bucket photos-originals --move-away --retire --dry-run',
    'npx keyturn adopt --alias alias/photos --move-away --body body.md --yes',
  ],
  async run(context, options) {
    const file = path.resolve(context.cwd, text(options, 'rotationFile') ?? 'rotation.yaml');
    const before = await readRotationText(file).catch((error: unknown) => {
      if (isCode(error, 'rotation-file-missing')) return undefined;
      throw error;
    });
    const present =
      before === undefined ? undefined : { file, before, rotation: await parseRotation(before, file, READ) };
    const starter = before === undefined ? undefined : starterValues(before);
    const declared = starter === undefined ? present?.rotation : undefined;
    const region = declared?.region ?? regionOf(options, context, starter?.region);
    const alias = aliasOf(options, declared?.alias, starter?.alias);
    const access = declared === undefined ? accessFrom(options) : declared.aws;
    const { env, signal } = context;
    const name = declared?.name ?? text(options, 'name') ?? starter?.name;
    const clients = clientsFor({ name: name ?? 'adopt', region, aws: access }, { env, signal });
    try {
      const identity = await callerIdentity(clients);
      context.terminal.note(`looking at account ${identity.account}, Region ${region}, as ${identity.arn}`);
      const looking = { clients, identity, signal };
      const found = await observeAdoptable(looking, {
        alias,
        buckets: texts(options, 'bucket') ?? starter?.buckets ?? [],
        ...(declared === undefined ? {} : { declared: declared.buckets.map((bucket) => bucket.name) }),
        keys: texts(options, 'key') ?? [],
      });
      showFound(context, found);
      if (present !== undefined && declared !== undefined) return await extend(context, options, found, present);
      const way = await wayOf(context, options, found, identity.account);
      const versions = found.keys.flatMap((_key, index) => [`v${index + 1}`, `v${index + 2}`]);
      const aliases = [...new Set(versions)].map((version) => `${found.alias}/${version}`);
      const adopted = adoption(
        found,
        {
          name: name ?? nameFromAlias(found.alias),
          region,
          account: identity.account,
          way,
          retire: flag(options, 'retire'),
          newVersion: options.newVersion !== false,
          recipients: [...new Set([...(starter?.recipients ?? []), ...(texts(options, 'recipient') ?? [])])],
          keepPolicy: flag(options, 'keepPolicy'),
          access,
        },
        await takenAliases(looking, aliases),
      );
      const after = adoptionFile(adopted);
      return await finish(context, options, { file, before, after, found, adopted, notes: adopted.notes });
    } finally {
      clients.destroy();
    }
  },
};

/** The file may be about an expired version: adopting is no import. */
const READ = { now: new Date(), expired: 'accept' } as const;

function regionOf(options: OptionValues, { env }: CommandContext, started: string | undefined): string {
  const region = text(options, 'region') ?? started ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (region !== undefined && region !== '') return region;
  throw usage('no Region is given', 'pass --region, or set AWS_REGION');
}

function aliasOf(options: OptionValues, declared: string | undefined, started: string | undefined): string {
  const given = text(options, 'alias');
  if (given !== undefined && declared !== undefined && given !== declared)
    throw usage(`--alias ${given} is not ${declared}, which the rotation file declares`, 'omit --alias');
  const alias = given ?? declared ?? started;
  if (alias?.startsWith('alias/aws/'))
    throw usage(
      `${alias} is of AWS, which alone moves it`,
      'begin with `npx keyturn init --alias alias/<your own>`, and name what moves under reencrypt.from, such as aws/s3',
    );
  if (alias?.startsWith('alias/')) return alias;
  const list = '`aws kms list-aliases` lists them';
  if (alias === undefined) throw usage('no alias is given', `pass --alias alias/...; ${list}`);
  const meant = /^[\w/-]+$/.test(alias) ? `--alias alias/${alias}` : '--alias alias/...';
  throw usage(`--alias ${alias} is no name of an alias`, `pass ${meant}; ${list}`);
}

const usage = (problem: string, hint: string): KeyturnError => new KeyturnError('usage', { problem, hint });

interface Present {
  readonly file: string;
  readonly before: string;
  readonly rotation: Rotation;
}

/** A file that people wrote gets `adopted:`, and nothing of it is written anew. */
function extend(context: CommandContext, options: OptionValues, found: Adoptable, { file, before, rotation }: Present) {
  refuseUnwritten(options, found, rotation);
  const after = declareAdopted(before, found, rotation);
  const notes = [...undeclaredNotes(rotation, found), ...ownedNotes(rotation, found)];
  return finish(context, options, { file, before, after, found, notes });
}

/** Asks only where both ways are open. */
async function wayOf(
  { terminal, signal }: CommandContext,
  options: OptionValues,
  found: Adoptable,
  account: string,
): Promise<AdoptionWay> {
  const [away, over] = [flag(options, 'moveAway'), flag(options, 'takeOver')];
  if (away && over) throw usage('--move-away and --take-over contradict each other', 'choose one');
  if (over && flag(options, 'retire'))
    throw usage('--retire belongs to --move-away', 'omit it: a taken-over key retires like any other version');
  if (flag(options, 'keepPolicy') && !over)
    throw usage(
      '--keep-policy belongs to --take-over',
      'omit it: nobody changes the policy of a key that objects move away from',
    );
  if (away || over) return away ? 'away' : 'over';
  const main = found.keys.at(-1);
  const whyNot = main && whyNotTakenOver(main, account);
  if (whyNot !== undefined) {
    terminal.note(`moving away from the old key: it cannot be taken over, because ${whyNot}`);
    return 'away';
  }
  terminal.block(WAYS);
  if (!terminal.interactive)
    throw usage(
      'it is not said what becomes of the old key',
      'pass --move-away or --take-over; docs/adopt.md compares them',
    );
  const answer = await terminal.ask('move away from the old key, or take it over? [away/over]', signal);
  if (answer === 'away' || answer === 'over') return answer;
  throw new KeyturnError('declined', { question: 'move away from the old key, or take it over?' });
}

interface Written {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string;
  readonly found: Adoptable;
  /** Absent where a file was there. */
  readonly adopted?: Adoption;
  /** What a person should know, one sentence each. */
  readonly notes: readonly string[];
}

async function finish(context: CommandContext, options: OptionValues, written: Written): Promise<CommandOutcome> {
  const { terminal, cwd, signal } = context;
  const { file, before, after, found, adopted, notes } = written;
  const rotation = await parseRotation(after, file, READ);
  const shown = shownPath(cwd, file);
  const diff = adoptionDiff(before ?? '', after, shown);
  const changed = diff !== '';
  terminal.heading(changed ? `adopt ${found.alias}` : `${shown} declares all of it already`);
  if (changed) terminal.block(diff);
  for (const note of notes) terminal.warn(note);
  const write = changed && !flag(options, 'dryRun');
  if (write && !flag(options, 'yes')) await terminal.confirm(`write this to ${shown}?`, signal);
  if (write) await writeRotation(file, after, before);
  const body = adopted && adoptionBody(adopted, before ?? '', after, shown);
  const bodyFile = write ? await writeBody(context, options, body) : undefined;
  if (changed && !flag(options, 'json')) terminal.data(harmlessLines(diff));
  if (write)
    terminal.hint(`see the imports with \`${planCommand(rotation)}\`, or go on with \`${rotateCommand(rotation)}\``);
  return {
    exitCode: EXIT.done,
    data: {
      changed,
      written: write,
      rotation: adopted?.name ?? null,
      title: adopted ? adoptionTitle(adopted) : null,
      found: shownFound(found),
      versions: (adopted?.versions ?? []).map(({ name, key, way }) => ({
        name,
        key: key?.arn ?? null,
        way: way ?? null,
      })),
      notes,
      diff,
      body: body ?? null,
      bodyFile: bodyFile ?? null,
    },
  };
}

async function writeBody(
  { cwd, terminal }: CommandContext,
  options: OptionValues,
  body: string | undefined,
): Promise<string | undefined> {
  const given = text(options, 'body');
  if (given === undefined || body === undefined) return undefined;
  const file = path.resolve(cwd, given);
  await writeFile(file, body).catch((error: NodeJS.ErrnoException) => {
    throw new KeyturnError('output-unwritable', { file, reason: error.code ?? error.message }, error);
  });
  terminal.note(`body of the pull request: ${file}`);
  return file;
}

function shownPath(cwd: string, file: string): string {
  const relative = path.relative(cwd, file).split(path.sep).join('/');
  return relative.startsWith('..') ? path.basename(file) : relative;
}
