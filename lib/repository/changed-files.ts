import { createHash } from 'node:crypto';
import path from 'node:path';
import { git, gitOrRefuse, parts } from './git';
import { commitOf } from './revision';

/** A file that a proposal changes in the repository. */
export interface ChangedFile {
  /** Relative to the folder of the rotation file, with slashes; begins with `../` above of it. */
  readonly path: string;
  readonly kind: 'added' | 'changed' | 'removed';
  /** What the proposal makes of it; of a removed file, what it was. */
  readonly form: 'file' | 'program' | 'link' | 'submodule';
  /** Lower-case hex; undefined: it is removed, is no file, or {@link ChangedFilesInput.hashed} does not ask for it. */
  readonly sha256: string | undefined;
  /** `secret`: a private key or an age identity stands in it, or it is 32 bytes of no text. `rotation`: it declares key versions. */
  readonly holds: 'secret' | 'rotation' | undefined;
}

export interface ChangedFilesInput {
  /** Absolute: that of the rotation file. */
  readonly folder: string;
  readonly base: string;
  readonly proposed: string;
  readonly env: NodeJS.ProcessEnv;
  /** Which files are hashed, by their path as {@link ChangedFile.path} has it. */
  hashed(file: string): boolean;
}

/** A private key in PEM, or an identity of age: nothing that is committed may hold one. */
const SECRET = '(AGE-SECRET-KEY-|-----BEGIN [A-Z ]*PRIVATE KEY-----)';
const ROTATION = '^[[:space:]]*["\']?keyVersions["\']?[[:space:]]*:';
/** Bytes of the key material of a version. */
const MATERIAL_BYTES = 32;

/**
 * What a proposal changes since it left its base, by the objects of git: the checkout may be that of the base.
 *
 * @returns undefined where one of the two is no revision of the repository
 * @throws KeyturnError `repository-unreadable`
 */
export async function changedFiles(input: ChangedFilesInput): Promise<readonly ChangedFile[] | undefined> {
  const { folder, env } = input;
  const base = await commitOf(folder, input.base, env);
  const proposed = await commitOf(folder, input.proposed, env);
  if (base === undefined || proposed === undefined) return undefined;
  // A clone without the common history compares with the base itself, which shows more and never less.
  const common = (await git(folder, env, ['merge-base', base, proposed]))?.toString('utf8').trim() ?? base;
  const above = (await gitOrRefuse(folder, env, ['rev-parse', '--show-prefix'])).toString('utf8').trim();
  const lines = await gitOrRefuse(folder, env, ['diff-tree', '-r', '-z', '--raw', '--no-renames', common, proposed]);
  const found = rawChanges(parts(lines));
  if (found.length === 0) return [];
  const secrets = await filesWith(SECRET, proposed, input);
  const rotations = await filesWith(ROTATION, proposed, input);
  const sizes = await sizesOf(proposed, input);
  const files: ChangedFile[] = [];
  for (const { name, kind, form, blob } of found) {
    const at = path.posix.relative(above, name);
    const isMaterial = kind !== 'removed' && sizes.get(name) === MATERIAL_BYTES && !isText(await blobOf(blob, input));
    const holds = secrets.has(name) || isMaterial ? 'secret' : rotations.has(name) ? 'rotation' : undefined;
    const isHashed = kind !== 'removed' && (form === 'file' || form === 'program') && input.hashed(at);
    files.push({ path: at, kind, form, holds, sha256: isHashed ? sha256(await blobOf(blob, input)) : undefined });
  }
  return files;
}

interface RawChange extends Pick<ChangedFile, 'kind' | 'form'> {
  /** Relative to the top of the repository. */
  readonly name: string;
  readonly blob: string;
}

const KINDS: Readonly<Record<string, ChangedFile['kind']>> = { A: 'added', D: 'removed' };
const FORMS: Readonly<Record<string, ChangedFile['form']>> = {
  '100755': 'program',
  '120000': 'link',
  '160000': 'submodule',
};

/** `:<mode> <mode> <object> <object> <letter>`, and then the name. */
function rawChanges(fields: readonly string[]): readonly RawChange[] {
  return fields.flatMap((field, index): RawChange[] => {
    if (index % 2 === 1) return [];
    const [before = '', after = '', , blob = '', letter = ''] = field.slice(1).split(' ');
    const kind = KINDS[letter] ?? 'changed';
    const mode = kind === 'removed' ? before : after;
    return [{ name: fields[index + 1] ?? '', blob, kind, form: FORMS[mode] ?? 'file' }];
  });
}

/** The files of a commit in which a line matches, binary files too. */
async function filesWith(
  pattern: string,
  commit: string,
  { folder, env }: ChangedFilesInput,
): Promise<ReadonlySet<string>> {
  const args = ['grep', '-l', '-z', '-a', '--full-name', '--no-textconv', '-E', '-e', pattern, commit, '--', ':(top)'];
  // It fails where nothing matches.
  const found = (await git(folder, env, args)) ?? Buffer.alloc(0);
  return new Set(parts(found).map((one) => one.slice(commit.length + 1)));
}

async function sizesOf(commit: string, { folder, env }: ChangedFilesInput): Promise<ReadonlyMap<string, number>> {
  const lines = parts(await gitOrRefuse(folder, env, ['ls-tree', '-r', '-l', '-z', '--full-tree', commit]));
  return new Map(
    lines.map((line) => {
      const [about = '', name = ''] = line.split('\t', 2);
      return [name, Number(about.split(/ +/)[3])] as const;
    }),
  );
}

const blobOf = (blob: string, { folder, env }: ChangedFilesInput): Promise<Buffer> =>
  gitOrRefuse(folder, env, ['cat-file', 'blob', blob]);

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const isText = (bytes: Buffer): boolean =>
  bytes.every((byte) => byte >= 0x20 || [0x09, 0x0a, 0x0d].includes(byte)) && bytes.every((byte) => byte < 0x7f);
