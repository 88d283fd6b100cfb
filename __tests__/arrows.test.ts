import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** The house as docs/architecture.md describes it, checked against the imports as they are. */
const ROOT = path.resolve(__dirname, '..');
const PAGE = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');

interface Room {
  readonly name: string;
  readonly mayImport: ReadonlySet<string>;
  readonly speaksToAws: boolean;
}

const rooms = new Map(tableOf(PAGE).map((room) => [room.name, room]));
const files = [...sources(ROOT)];
const imports = new Map(files.map((file) => [file, importsOf(file)]));

/** What a file may never use, whatever it imports: only scripts read arguments and the environment, print or exit. */
const PROCESS_USE = /\bprocess\.(argv|env|exit|exitCode|stdout|stderr|stdin)\b|\bconsole\.\w/;

it('describes every room of the house, and no other', () => {
  expect([...rooms.keys()].filter((name) => !name.includes('.ts') || name === 'main.ts').sort()).toEqual(
    [...new Set(files.map(folderOf))].sort(),
  );
});

it('finds no import that the page does not allow', () => {
  expect(
    [...imports].flatMap(([file, targets]) => targets.filter((one) => !isAllowed(file, one)).map(arrow(file))),
  ).toEqual([]);
});

it('finds no arrow on the page that no import uses', () => {
  const used = new Set(
    [...imports].flatMap(([file, targets]) => targets.map((one) => `${roomOf(file, one).name} → ${folderOf(one)}`)),
  );
  const drawn = [...rooms.values()].flatMap(({ name, mayImport }) => [...mayImport].map((to) => `${name} → ${to}`));
  expect(drawn.filter((one) => !used.has(one))).toEqual([]);
});

it('finds the AWS SDK in the rooms that may speak to AWS, and in each of them', () => {
  const speaking = new Set(files.filter((file) => packagesOf(file).some(isAwsClient)).map(folderOf));
  expect([...speaking].sort()).toEqual(
    [...rooms.values()]
      .filter((room) => room.speaksToAws)
      .map((room) => room.name)
      .sort(),
  );
});

it('finds no circle of imports, types included', () => {
  expect(circles()).toEqual([]);
});

it.each(['lib/key-material', 'lib/review', 'lib/evidence/check.ts'])('leads from %s to no AWS client', (start) => {
  const reached = reachableFrom((file) => file.startsWith(start));
  expect([...reached].filter((file) => packagesOf(file).some(isAwsClient))).toEqual([]);
});

it('leads from the verification to no engine', () => {
  const reached = reachableFrom((file) => folderOf(file) === 'lib/verify');
  expect([...reached].filter((file) => ['lib/reencrypt', 'lib/batch'].includes(folderOf(file)))).toEqual([]);
});

it('leads from the second client of the verification to no code that reads answers for the engines', () => {
  const reached = reachableFrom((file) => file === 'lib/s3/sdk-witness.ts');
  const shared = /lib\/s3\/(direct-|listing-answer|head-values|sdk-shapes|sdk-store|version-listing|boundary-key)/;
  expect([...reached].filter((file) => shared.test(file))).toEqual([]);
  const users = files.filter((file) => /\.witness\b/.test(code(file)));
  expect([...new Set(users.map(folderOf))]).toEqual(['lib/verify']);
});

it('lets the offline check share the form of a record with its writer, and nothing else', () => {
  const checked = reachableFrom((file) => file === 'lib/evidence/check.ts');
  const written = reachableFrom((file) => file === 'lib/evidence/evidence.ts');
  const shared = [...checked].filter((file) => written.has(file) && folderOf(file) === 'lib/evidence');
  expect(shared).toEqual(['lib/evidence/evidence-record.ts']);
});

it('keeps cdktf and the provider bindings in main.ts, the stacks and the example of a program', () => {
  const users = files.filter((file) => packagesOf(file).some((name) => /^(cdktf|constructs|@cdktf\/)/.test(name)));
  expect(users.filter((file) => !['main.ts', 'stacks', 'examples'].includes(folderOf(file)))).toEqual([]);
});

it('leaves arguments, environment, printing and exiting to the scripts, main.ts and the benchmarks', () => {
  const elsewhere = files.filter(
    (file) => !['scripts', 'main.ts', 'bench', 'bin', 'mutation', 'docs'].includes(folderOf(file)),
  );
  expect(elsewhere.filter((file) => PROCESS_USE.test(code(file)))).toEqual([]);
});

it('lets only the retire step call disableKey', () => {
  const callers = files.filter((file) => /import \{[^}]*\bdisableKey\b[^}]*\} from/.test(code(file)));
  expect(callers).toEqual(['lib/workflow/retire.ts']);
});

it('deletes a key in one file, which only the removal of a sandbox calls, and key material nowhere', () => {
  const ours = files.filter((file) => folderOf(file) !== 'local-aws');
  const using = (what: RegExp) => ours.filter((file) => what.test(code(file)));
  expect(using(/DeleteImportedKeyMaterialCommand/)).toEqual([]);
  expect(using(/ScheduleKeyDeletionCommand/)).toEqual(['lib/confirm/schedule-key-deletion.ts']);
  expect(using(/\bscheduleOwnKeyDeletion\(/)).toEqual([
    'lib/confirm/remove-sandbox.ts',
    'lib/confirm/schedule-key-deletion.ts',
  ]);
  expect(using(/\bDisableKeyCommand\b/)).toEqual(['lib/confirm/sandbox-keys.ts', 'lib/kms/key-switch.ts']);
});

it('gives no two files of lib and stacks the same name, but for index.ts', () => {
  const names = new Map<string, string[]>();
  for (const file of files.filter((one) => /^(lib|stacks)\//.test(one) && path.basename(one) !== 'index.ts'))
    names.set(path.basename(file), [...(names.get(path.basename(file)) ?? []), file]);
  expect([...names.values()].filter((same) => same.length > 1)).toEqual([]);
});

/** The rows of the page's table of rooms: name, what it holds, what it may import, whether it speaks to AWS. */
function tableOf(page: string): readonly Room[] {
  const rows = page.split('\n').filter((line) => /^\| `[^`]+` \|.*\| (yes|no) \|$/.test(line));
  return rows.map((row) => {
    const [, name = '', , mayImport = '', aws = ''] = row.split('|').map((cell) => cell.trim());
    const named = [...mayImport.matchAll(/`([^`]+)`/g)].map(([, one = '']) => one);
    return { name: name.replaceAll('`', ''), mayImport: new Set(named), speaksToAws: aws === 'yes' };
  });
}

/** The row that an import is judged by: that of the file itself where the page gives it one for this target. */
function roomOf(file: string, target: string): Room {
  const own = rooms.get(file);
  if (own?.mayImport.has(folderOf(target))) return own;
  return rooms.get(folderOf(file)) ?? { name: folderOf(file), mayImport: new Set(), speaksToAws: false };
}

function isAllowed(file: string, target: string): boolean {
  return folderOf(target) === folderOf(file) || roomOf(file, target).mayImport.has(folderOf(target));
}

function isAwsClient(name: string): boolean {
  return name.startsWith('@aws-sdk/client-');
}

function reachableFrom(isStart: (file: string) => boolean): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = files.filter(isStart);
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    open.push(...(imports.get(file) ?? []));
  }
  return reached;
}

/** Sets of files that import one another in a circle (Tarjan's strongly connected components). */
function circles(): readonly (readonly string[])[] {
  const [index, low, stack, found] = [
    new Map<string, number>(),
    new Map<string, number>(),
    [] as string[],
    [] as string[][],
  ];
  const visit = (file: string): number => {
    const at = index.size;
    index.set(file, at);
    low.set(file, at);
    stack.push(file);
    for (const target of imports.get(file) ?? []) {
      const reached = index.has(target) ? (stack.includes(target) ? (index.get(target) ?? at) : at) : visit(target);
      low.set(file, Math.min(low.get(file) ?? at, reached));
    }
    const lowest = low.get(file) ?? at;
    if (lowest === at) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) found.push(circle.sort());
    }
    return lowest;
  };
  for (const file of files) if (!index.has(file)) visit(file);
  return found;
}

function specifiersOf(file: string): readonly string[] {
  return ts.preProcessFile(code(file), true, true).importedFiles.map(({ fileName }) => fileName);
}

function packagesOf(file: string): readonly string[] {
  return specifiersOf(file).filter((one) => !one.startsWith('.'));
}

function importsOf(file: string): readonly string[] {
  return specifiersOf(file)
    .filter((one) => one.startsWith('.'))
    .map((one) => {
      const target = path.relative(ROOT, path.resolve(ROOT, path.dirname(file), one));
      return [target, `${target}.ts`, `${target}/index.ts`].find((each) => files.includes(each)) ?? target;
    })
    .filter((target) => target.endsWith('.ts') || target.endsWith('.js'));
}

const arrow = (file: string) => (target: string) => `${file} → ${target}`;

function folderOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'lib' ? `${top}/${second}` : top;
}

function code(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

function* sources(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (['node_modules', 'cdktf.out', 'dist', '__tests__'].includes(entry.name) || entry.name.startsWith('.')) continue;
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* sources(full);
    else if (entry.name.endsWith('.ts') || full.startsWith(path.join(ROOT, 'bin'))) yield path.relative(ROOT, full);
  }
}
