import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(__dirname, '..');

/** Rooms of the house, and what each may import besides itself. `lib/x` names a room of lib; a bare name a top-level one. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['stacks', 'lib/rotation', 'lib/errors', 'npm:cdktf'],
  stacks: ['lib/rotation', 'lib/errors', 'npm:cdktf', 'npm:@cdktf', 'npm:constructs'],
  scripts: ['lib/*'],
  rehearsal: ['lib/steps', 'lib/rotation', 'lib/errors'],
  'local-aws': [],
  'lib/errors': [],
  'lib/rotation': ['lib/errors'],
  'lib/aws': ['lib/errors', 'lib/rotation'],
  'lib/kms': ['lib/errors', 'lib/rotation', 'lib/aws'],
  'lib/objects': ['lib/errors', 'lib/rotation', 'lib/aws'],
  'lib/key-material': ['lib/errors', 'lib/rotation', 'lib/aws'],
  'lib/terraform': ['lib/errors', 'lib/rotation', 'lib/aws'],
  'lib/evidence': ['lib/errors', 'lib/rotation'],
  'lib/proposals': ['lib/errors', 'lib/rotation'],
  'lib/review': ['lib/errors', 'lib/rotation'],
  'lib/steps': ['lib/*'],
  bench: ['lib/*', 'local-aws'],
  mutation: [],
};

/** Single files that may go where their room may not. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'scripts/local-aws.ts': ['local-aws'],
  'scripts/rehearse.ts': ['local-aws', 'rehearsal'],
};

/** What a file may never use, whatever it imports: only scripts read argv and env, print or exit. */
const PROCESS_USE = /\bprocess\.(argv|env|exit|exitCode|stdout|stderr|stdin)\b|\bconsole\.\w/;

const files = [...sources(ROOT)];

it('looks at every room of the house', () => {
  expect(new Set(files.map(roomOf))).toEqual(new Set(Object.keys(MAY_IMPORT)));
});

it('keeps every arrow between rooms pointing one way', () => {
  expect(files.flatMap(forbiddenImports)).toEqual([]);
});

it('leaves argv, env, printing and exiting to the scripts and main.ts', () => {
  const elsewhere = files.filter((file) => !['scripts', 'main.ts', 'bench', 'mutation'].includes(roomOf(file)));
  expect(elsewhere.filter((file) => PROCESS_USE.test(code(file)))).toEqual([]);
});

it('lets only the retire step call disableKey', () => {
  const callers = files.filter((file) => /import \{[^}]*\bdisableKey\b[^}]*\} from/.test(code(file)));
  expect(callers).toEqual(['lib/steps/retire.ts']);
});

it('nowhere deletes a key or its material', () => {
  const ours = files.filter((file) => roomOf(file) !== 'local-aws');
  expect(ours.filter((file) => /ScheduleKeyDeletionCommand|DeleteImportedKeyMaterialCommand/.test(code(file)))).toEqual(
    [],
  );
});

function forbiddenImports(file: string): string[] {
  const room = roomOf(file);
  const allowed = [...(MAY_IMPORT[room] ?? []), ...(EXCEPTIONS[file] ?? [])];
  return importsOf(file)
    .filter((target) => !isAllowed(target, room, allowed))
    .map((target) => `${file} → ${target}`);
}

function isAllowed(target: string, room: string, allowed: readonly string[]): boolean {
  if (target.startsWith('npm:')) return isPackageAllowed(target, room, allowed);
  const targetRoom = roomOf(target);
  if (targetRoom === room) return true;
  return allowed.includes(targetRoom) || (allowed.includes('lib/*') && targetRoom.startsWith('lib/'));
}

/** Packages are free, except that cdktf stays in the stacks and the AWS SDK out of them. */
function isPackageAllowed(target: string, room: string, allowed: readonly string[]): boolean {
  const name = target.slice('npm:'.length);
  if (/^(cdktf|constructs|@cdktf\/)/.test(name))
    return allowed.some((one) => one.startsWith('npm:') && target.startsWith(one));
  return !(
    name.startsWith('@aws-sdk/') &&
    ['main.ts', 'stacks', 'local-aws', 'lib/rotation', 'lib/evidence', 'lib/proposals'].includes(room)
  );
}

function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(code(file), true, true);
  return importedFiles.map(({ fileName }) => {
    if (!fileName.startsWith('.')) return `npm:${fileName}`;
    const target = path.relative(ROOT, path.resolve(ROOT, path.dirname(file), fileName));
    return files.includes(`${target}.ts`) ? `${target}.ts` : files.includes(target) ? target : `${target}/index.ts`;
  });
}

function roomOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'lib' ? `${top}/${second}` : top;
}

function code(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

function* sources(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (['node_modules', 'cdktf.out', '__tests__'].includes(entry.name) || entry.name.startsWith('.')) continue;
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* sources(full);
    else if (entry.name.endsWith('.ts')) yield path.relative(ROOT, full);
  }
}
