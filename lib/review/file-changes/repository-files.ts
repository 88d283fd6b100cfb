import path from 'node:path';
import { bindingPath } from '../../rotation/binding';
import { custodyDirectory, type Rotation } from '../../rotation/rotation';
import type { FieldVerdict } from './field-classes';
import { type FileCase, type FileKind, fileClass } from './file-kinds';

/** A file that the reviewed change brings, changes or removes, as git has it. */
export interface RepositoryFile {
  /** Relative to the folder of the rotation file, with slashes. */
  readonly path: string;
  readonly kind: 'added' | 'changed' | 'removed';
  readonly form: 'file' | 'program' | 'link' | 'submodule';
  /** Lower-case hex; undefined: unknown. */
  readonly sha256: string | undefined;
  readonly holds: 'secret' | 'rotation' | undefined;
}

/** One file of the change, with its class. */
export interface ClassifiedFile {
  readonly path: string;
  readonly change: RepositoryFile['kind'];
  readonly kind: FileKind;
  readonly verdict: FieldVerdict;
  /** One sentence. */
  readonly why: string;
}

/** Every file of the change beside the rotation file and its binding, whose fields are classified by themselves. */
export function classifiedFiles(
  files: readonly RepositoryFile[],
  base: Rotation,
  head: Rotation,
): readonly ClassifiedFile[] {
  const inputs = new Set([head.file, bindingPath(head.file)].map((file) => path.basename(file)));
  const custody = custodyFolders(base, head);
  const named = namedFiles(base, head);
  return files.flatMap((file): ClassifiedFile[] => {
    const isLink = file.form === 'link' || file.form === 'submodule';
    const isInput = inputs.has(file.path);
    const isCustody = custody.some((folder) => file.path.startsWith(`${folder}/`));
    if (isInput && !isLink && file.holds !== 'secret') return [];
    const kind: FileKind =
      file.holds === 'secret'
        ? 'secret'
        : isLink && (isInput || isCustody || custody.includes(file.path))
          ? 'linked'
          : isCustody
            ? 'custody'
            : named.has(file.path)
              ? 'named'
              : kindByName(file);
    const { verdict, why } = fileClass(kind, file.kind, casesOf(file, head));
    return [{ path: file.path, change: file.kind, kind, verdict, why }];
  });
}

/** The custody directories before and after, relative to the rotation file; one outside of its folder has `../`. */
export const custodyFolders = (...rotations: readonly Rotation[]): readonly string[] =>
  rotations.flatMap(({ custody, file }) => {
    const directory = custodyDirectory(custody);
    return directory === undefined ? [] : [relative(file, directory)];
  });

/** Every file that a rotation file names: a custody command, a PIN file, a module. */
function namedFiles(...rotations: readonly Rotation[]): ReadonlySet<string> {
  const texts = (value: unknown): readonly string[] => {
    if (typeof value === 'string') return [value];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
  };
  return new Set(
    rotations.flatMap(({ custody, file }) =>
      texts(custody).map((one) => relative(file, path.resolve(path.dirname(file), one))),
    ),
  );
}

const relative = (rotationFile: string, file: string): string =>
  path.relative(path.dirname(rotationFile), file).split(path.sep).join('/');

/** A record that the binding names by its hash is the one that was reviewed with it. */
function casesOf({ path: name, sha256 }: RepositoryFile, { name: rotation, binding }: Rotation): readonly FileCase[] {
  const bound = binding.find((one) => path.posix.basename(name) === `${rotation}-${one.name}.record.json`);
  return sha256 !== undefined && bound?.custodyRecordSha256 === sha256 ? ['as bound'] : [];
}

/** By its name alone; the first row that matches counts. */
const BY_NAME: readonly (readonly [FileKind, RegExp])[] = [
  [
    'working',
    /(^|\/)(cdktf\.out|\.keyturn|\.terraform|terraform\.d)(\/|$)|\.(tfstate|tfplan)(\.[^/]*)?$|\.pending\.json$/i,
  ],
  ['rotation', /\.lock\.json$/i],
  ['evidence', /\.ndjson$|\.dsse\.json$|\.outcomes\//i],
  [
    'terraform',
    /(^|\/)(\.terraform\.lock\.hcl|\.?terraform\.?rc|\.terraform-version)$|\.(tf|tofu|tfvars|hcl)(\.json)?$/i,
  ],
  [
    'pipeline',
    /(^|\/)(\.github|\.gitlab|\.circleci|\.buildkite)\/|(^|\/)(\.gitlab-ci\.ya?ml|atlantis\.ya?ml|repos\.ya?ml|Jenkinsfile|azure-pipelines\.ya?ml|bitbucket-pipelines\.yml|CODEOWNERS|\.gitattributes|\.gitignore|\.gitmodules)$/i,
  ],
  [
    'program',
    /\.([cm]?[jt]sx?|json5?|node|wasm|so|dylib|dll|exe|sh|bash|py|rb|pl|mk)$|(^|\/)(node_modules|\.git|\.husky|\.yarn)\/|(^|\/)(\.npmrc|\.yarnrc(\.yml)?|\.nvmrc|\.node-version|\.tool-versions|yarn\.lock|pnpm-lock\.yaml|Makefile|Dockerfile|\.env[^/]*)$/i,
  ],
];

function kindByName({ path: name, form, holds }: RepositoryFile): FileKind {
  const found = BY_NAME.find(([, pattern]) => pattern.test(name))?.[0];
  if (found === 'working') return found;
  if (form === 'link' || form === 'submodule') return 'link';
  if (holds === 'rotation' && /\.ya?ml$/i.test(name)) return 'rotation';
  return found ?? (form === 'program' ? 'program' : 'other');
}
