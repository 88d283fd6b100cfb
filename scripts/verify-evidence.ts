import type { KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ArchiveCheck, compareArchive, fetchArchive } from '../lib/archive/check-archive';
import { EXIT, KeyturnError } from '../lib/errors';
import { checkEvidence } from '../lib/evidence/check';
import type { EvidenceCheck } from '../lib/evidence/checked-evidence';
import { type CommandContext, type CommandDefinition, flag, type OptionValues, text, texts } from './cli/command';
import { publicKeyOption, publicKeysOf } from './cli/public-keys';
import { withReading } from './cli/session';
import type { Terminal } from './cli/terminal';

export const verifyEvidence: CommandDefinition = {
  description:
    'Checks the evidence of one run (a file) or of all runs (a directory), without network. A directory must hold ' +
    'the previous run of each run; with --heads, exactly the runs of those heads; with --public-key, signed runs alone. ' +
    'Without any of the three, it cannot find a chain that was rewritten as a whole. --bucket also compares the ' +
    'directory with the evidence bucket, or without a path checks the bucket alone.',
  arguments: [{ name: '[path]', description: 'an evidence file, or a directory of evidence files' }],
  options: [
    {
      flags: '--heads <file>',
      description:
        'file with heads that you saved elsewhere; each line starts with one, as this command prints them. Repeat it ' +
        'for the heads of several runs',
      repeats: true,
    },
    publicKeyOption,
    { flags: '--bucket', description: 'also check the evidence bucket of the rotation file; needs AWS' },
    { flags: '--rotation-file <path>', description: 'with --bucket: the rotation file (default: rotation.yaml)' },
  ],
  mutates: false,
  examples: [
    'npx keyturn verify-evidence .keyturn/evidence',
    'npx keyturn verify-evidence .keyturn/evidence --heads heads.txt',
    'npx keyturn verify-evidence .keyturn/evidence --heads job-41.txt --heads job-42.txt',
    'npx keyturn verify-evidence .keyturn/evidence --bucket',
    'npx keyturn verify-evidence .keyturn/evidence --public-key signer.pem',
    'npx keyturn verify-evidence --bucket',
  ],
  async run(context, options, [given]) {
    const { terminal, cwd } = context;
    const kept = texts(options, 'heads');
    const heads = kept && (await Promise.all(kept.map((file) => readHeads(path.resolve(cwd, file))))).flat();
    const bucket = flag(options, 'bucket');
    if (given === undefined && !bucket) {
      throw new KeyturnError('usage', {
        problem: 'no path is given',
        hint: 'name an evidence file or a directory of evidence files, or pass --bucket',
      });
    }
    if (text(options, 'rotationFile') !== undefined && !bucket) {
      throw new KeyturnError('usage', {
        problem: '--rotation-file is used only with --bucket',
        hint: 'pass --bucket too, or omit --rotation-file: the check of evidence needs no rotation file',
      });
    }
    const publicKeys = await publicKeysOf(context, options);
    const target = given === undefined ? undefined : path.resolve(cwd, given);
    const { found, archive } = bucket
      ? await checkWithBucket(context, options, target, { heads, publicKeys })
      : { found: await checkEvidence(target ?? '', heads, publicKeys), archive: undefined };
    for (const fault of found.faults) terminal.warn(`${fault.file}:${fault.line}: ${fault.problem}`);
    for (const fault of archive?.faults ?? []) terminal.warn(`${archive?.bucket}: ${fault.file}: ${fault.problem}`);
    for (const file of found.files) {
      if (!flag(options, 'json')) terminal.show(`${file.head}  ${file.file}  ${file.records} records`);
    }
    const faults = found.faults.length + (archive?.faults.length ?? 0);
    if (found.beginnings > 1)
      terminal.note(
        `${found.beginnings} runs name no previous run: they come from several machines, or were added here`,
      );
    const concurrent = found.files.filter((file) => file.concurrentRun).length;
    if (concurrent > 0)
      terminal.note(`${concurrent} concurrent run(s) are in no chain: only a saved head reveals the removal of one`);
    noteSignatures(terminal, found, publicKeys);
    if (archive) terminal.note(`${archive.bucket} holds ${archive.files} file(s)`);
    terminal.note(faults === 0 ? 'sound: every record is complete and in its place' : `${faults} fault(s) found`);
    return {
      exitCode: faults === 0 ? EXIT.done : EXIT.error,
      data: { ...found, ...(archive ? { bucket: archive } : {}) },
    };
  },
};

function noteSignatures(terminal: Terminal, { files }: EvidenceCheck, keys: Expected['publicKeys']): void {
  const of = (kind: string) => files.filter(({ signature }) => signature === kind).length;
  if (keys !== undefined) terminal.note(`${of('checked')} of ${files.length} run(s) are signed by a key that you gave`);
  else if (of('not-checked') > 0)
    terminal.note(`${of('not-checked')} signature(s) were not checked: pass --public-key`);
}

/** What was kept elsewhere. */
interface Expected {
  readonly heads: readonly string[] | undefined;
  readonly publicKeys: readonly KeyObject[] | undefined;
}

interface BothChecks {
  readonly found: EvidenceCheck;
  readonly archive: ArchiveCheck;
}

/** Compares a directory with the bucket; without a directory, downloads the files of the bucket for the check. */
async function checkWithBucket(
  context: CommandContext,
  options: OptionValues,
  target: string | undefined,
  { heads, publicKeys }: Expected,
): Promise<BothChecks> {
  const { result } = await withReading(context, options, async (run): Promise<BothChecks> => {
    if (target !== undefined) {
      const found = await checkEvidence(target, heads, publicKeys);
      const alone = found.files.length === 1 && found.files[0]?.file === target;
      return { found, archive: await compareArchive(run, alone ? path.dirname(target) : target) };
    }
    const folder = await mkdtemp(path.join(tmpdir(), 'keyturn-evidence-'));
    try {
      const archive = await fetchArchive(run, folder);
      return { found: named(await checkEvidence(folder, heads, publicKeys), folder, archive.bucket), archive };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
  return result;
}

/** The files by their place in the bucket, because the temporary directory no longer exists. */
function named(found: EvidenceCheck, folder: string, bucket: string): EvidenceCheck {
  const place = <T extends { readonly file: string }>(one: T): T => ({
    ...one,
    file: one.file.replace(folder, `s3://${bucket}`),
  });
  return { ...found, files: found.files.map(place), faults: found.faults.map(place) };
}

/** @throws usage if the file cannot be read, or a line does not start with a head */
async function readHeads(file: string): Promise<readonly string[]> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const problem = `--heads: cannot read ${file}: ${error.code ?? error.message}`;
    throw new KeyturnError(
      'usage',
      { problem, hint: 'name a file with the lines that verify-evidence printed' },
      error,
    );
  });
  const lines = content.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    const head = /^([0-9a-f]{64})(?:\s|$)/.exec(line)?.[1];
    if (head !== undefined) return head;
    const problem = `--heads: line ${index + 1} of ${file} does not start with 64 hex digits`;
    throw new KeyturnError('usage', { problem, hint: 'name a file with the lines that verify-evidence printed' });
  });
}
