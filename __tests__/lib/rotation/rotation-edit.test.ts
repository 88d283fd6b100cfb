import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { isCode } from '../../../lib/errors';
import type { Rotation } from '../../../lib/rotation/rotation';
import {
  appendVersion,
  setActiveVersion,
  setDisabled,
  setMaterialValidTo,
  writeRotation,
} from '../../../lib/rotation/rotation-edit';
import { readRotationText } from '../../../lib/rotation/rotation-file';
import { runs } from '../../runner/slow';
import { NOW, parse, rotationText, textWith } from './rotation-texts';

const VALID_TO = new Date('2027-11-01T00:00:00Z');

/** Lines of `after` that are not in `before`, and the other way round, as a reviewer's diff counts them. */
function changedLines(before: string, after: string): { added: string[]; removed: string[] } {
  const count = (lines: string[], line: string) => lines.filter((other) => other === line).length;
  const [old, now] = [before.split(/\r?\n/), after.split(/\r?\n/)];
  const only = (some: string[], others: string[]) =>
    [...new Set(some)].filter((line) => count(some, line) > count(others, line));
  return { added: only(now, old), removed: only(old, now) };
}

const caught = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

const sample = () => readFile('rotation.yaml', 'utf8');

describe('a rotation, edit by edit, in the sample', () => {
  it('declares v2 with two lines', async () => {
    const before = await sample();
    expect(changedLines(before, appendVersion(before, { name: 'v2', materialValidTo: VALID_TO }))).toEqual({
      added: ['  - name: v2', '    materialValidTo: 2027-11-01T00:00:00Z'],
      removed: [],
    });
  });

  it('switches with one line, its comment kept', async () => {
    const before = appendVersion(await sample(), { name: 'v2' });
    expect(changedLines(before, setActiveVersion(before, 'v2'))).toEqual({
      added: ['activeVersion: v2 # move this to switch'],
      removed: ['activeVersion: v1 # move this to switch'],
    });
  });

  it('records the retirement with one line, under the version it is about', async () => {
    const before = setActiveVersion(appendVersion(await sample(), { name: 'v2' }), 'v2');
    const after = setDisabled(before, 'v1', true);
    expect(after).toContain('  - name: v1\n    disabled: true\n  - name: v2\n');
    expect(changedLines(before, after)).toEqual({ added: ['    disabled: true'], removed: [] });
  });
});

describe('the date of a version', () => {
  it('moves by one line, its comment kept', () => {
    const before =
      'keyVersions:\n  - name: v1\n    materialValidTo: 2027-02-01T00:00:00Z # billing\nactiveVersion: v1\n';
    expect(setMaterialValidTo(before, 'v1', VALID_TO)).toBe(before.replace('2027-02-01', '2027-11-01'));
  });

  it('is added to a version that has none', async () => {
    const before = await sample();
    expect(changedLines(before, setMaterialValidTo(before, 'v1', VALID_TO))).toEqual({
      added: ['    materialValidTo: 2027-11-01T00:00:00Z'],
      removed: [],
    });
  });

  it('stays byte for byte where it stands already', async () => {
    const before = setMaterialValidTo(await sample(), 'v1', VALID_TO);
    expect(setMaterialValidTo(before, 'v1', VALID_TO)).toBe(before);
  });

  it.each([
    ['refuses a version that is not declared', 'v7', VALID_TO],
    ['refuses a fraction of a second, which KMS does not keep', 'v1', new Date('2027-11-01T00:00:00.500Z')],
  ] as const)('%s', async (_, name, time) => {
    const before = await sample();
    expect(caught(() => setMaterialValidTo(before, name, time))).toMatchObject({ code: 'rotation-edit-refused' });
  });
});

describe('edits of any valid file, in any hand', () => {
  const edited = async (before: string, edit: (text: string) => string, meant: (rotation: Rotation) => Rotation) => {
    const options = { now: NOW };
    const expected = meant(await parse(before, options));
    const after = edit(before);
    expect(await parse(after, options)).toEqual(expected);
    return after;
  };

  it('parse to exactly what was meant, and no line end or comment is lost', () =>
    fc.assert(
      fc.asyncProperty(rotationText, fc.boolean(), async ({ text }, expires) => {
        const name = 'a-new-version-that-is-not-there';
        const version = { name, ...(expires ? { materialValidTo: VALID_TO } : {}) };
        const declared = await edited(
          text,
          (now) => appendVersion(now, version),
          (rotation) => ({
            ...rotation,
            keyVersions: [
              ...rotation.keyVersions,
              { name, materialValidTo: version.materialValidTo, keyArn: undefined, disabled: false },
            ],
          }),
        );
        const switched = await edited(
          declared,
          (now) => setActiveVersion(now, name),
          (rotation) => ({ ...rotation, activeVersion: name }),
        );
        const first = (await parse(text)).keyVersions[0]?.name ?? '';
        const retired = await edited(
          switched,
          (now) => setDisabled(now, first, true),
          (rotation) => ({
            ...rotation,
            keyVersions: rotation.keyVersions.map((item) => (item.name === first ? { ...item, disabled: true } : item)),
          }),
        );
        const back = await edited(
          setDisabled(retired, first, false),
          (now) => setActiveVersion(now, first),
          (rotation) => ({ ...rotation, activeVersion: first }),
        );
        expect(back.match(/#.*/g)).toEqual(text.match(/#.*/g));
        expect(/(^|[^\r])\n/.test(back)).toBe(/(^|[^\r])\n/.test(text));
        expect(back.endsWith('\n')).toBe(text.endsWith('\n'));
      }),
      { numRuns: runs(50) },
    ));

  it('add at most one line a field, and change at most the line they stand on', () =>
    fc.assert(
      fc.property(rotationText, ({ text }) => {
        const declared = changedLines(text, appendVersion(text, { name: 'added', materialValidTo: VALID_TO }));
        expect(declared.added.length).toBeLessThanOrEqual(2);
        expect(declared.removed.length).toBeLessThanOrEqual(1);
      }),
    ));
});

describe('edits', () => {
  it('follow a flow list that has an item a line', () => {
    const before = 'keyVersions: [\n  { name: v1 },\n]\nactiveVersion: v1\n';
    expect(appendVersion(before, { name: 'v2' })).toBe(
      'keyVersions: [\n  { name: v1 },\n  { name: v2 },\n]\nactiveVersion: v1\n',
    );
  });

  it.each([
    [
      'a list that is not indented',
      'keyVersions:\n- name: v1\nactiveVersion: v1\n',
      'keyVersions:\n- name: v1\n- name: v2\nactiveVersion: v1\n',
    ],
    [
      'an item that starts below its dash',
      'keyVersions:\n  -\n    name: v1\nactiveVersion: v1',
      'keyVersions:\n  -\n    name: v1\n  - name: v2\nactiveVersion: v1',
    ],
    [
      'a last line without an end',
      'activeVersion: v1\nkeyVersions:\n  - name: v1',
      'activeVersion: v1\nkeyVersions:\n  - name: v1\n  - name: v2',
    ],
    [
      'items in braces',
      'keyVersions:\n  - {name: v1}  # one\nactiveVersion: v1\n',
      'keyVersions:\n  - {name: v1}  # one\n  - {name: v2}\nactiveVersion: v1\n',
    ],
    [
      'JSON',
      '{"keyVersions":[{"name":"v1"}],"activeVersion":"v1"}',
      '{"keyVersions":[{"name":"v1"}, {"name": "v2"}],"activeVersion":"v1"}',
    ],
    [
      'a name in a block of text',
      'keyVersions:\n  - name: >-\n      v1\n\nactiveVersion: v1\n',
      'keyVersions:\n  - name: >-\n      v1\n  - name: v2\n\nactiveVersion: v1\n',
    ],
    [
      'a list with comments around its end',
      'keyVersions:\n  - name: v1 # one\n  # more to come\n\nactiveVersion: v1\n',
      'keyVersions:\n  - name: v1 # one\n  - name: v2\n  # more to come\n\nactiveVersion: v1\n',
    ],
  ])('append to %s', (_name, before, after) => {
    expect(appendVersion(before, { name: 'v2' })).toBe(after);
  });

  it('replace a value in the quotes, or the block, that it stands in', () => {
    const versions = 'keyVersions: [{name: v1}, {name: v2}]\n';
    expect(setActiveVersion(`${versions}activeVersion: 'v1'\n`, 'v2')).toBe(`${versions}activeVersion: 'v2'\n`);
    expect(setActiveVersion(`${versions}activeVersion:\n  "v1" # here\n`, 'v2')).toBe(
      `${versions}activeVersion:\n  "v2" # here\n`,
    );
    expect(setActiveVersion(`activeVersion: >-\n  v1\n${versions}`, 'v2')).toBe(`activeVersion: v2\n${versions}`);
  });

  it('quote a name that YAML would read as a number', () => {
    const text = setActiveVersion(appendVersion(textWith(), { name: '1e3' }), '1e3');
    expect(text).toContain('activeVersion: "1e3"');
  });

  it('change nothing if the file already declares it', () => {
    expect(setActiveVersion(textWith(), 'v1')).toBe(textWith());
    expect(setDisabled(textWith(), 'v1', false)).toBe(textWith());
  });

  it.each([
    ['fails when the version is declared already', () => appendVersion(textWith(), { name: 'v1' })],
    ['fails when the version to activate is not declared', () => setActiveVersion(textWith(), 'v9')],
    [
      'refuses to activate a disabled version',
      () => setActiveVersion(textWith({ keyVersions: [{ name: 'v0', disabled: true }, { name: 'v1' }] }), 'v0'),
    ],
    ['refuses to disable the active version', () => setDisabled(textWith(), 'v1', true)],
    [
      'refuses an expiry with a fraction of a second',
      () => appendVersion(textWith(), { name: 'v2', materialValidTo: new Date('2027-01-01T00:00:00.500Z') }),
    ],
    [
      'refuses a name that would break out of its line',
      () => appendVersion(textWith(), { name: 'v2\nregion: us-east-1' }),
    ],
    ['refuses a file that is no rotation file', () => appendVersion('a: 1\n', { name: 'v2' })],
    ['refuses a file with merge-conflict markers', () => appendVersion(`<<<<<<< HEAD\n${textWith()}`, { name: 'v2' })],
    [
      'refuses an edit that the way the file is written does not allow',
      () => setDisabled('keyVersions: [name: v1, name: v2]\nactiveVersion: v2\n', 'v1', true),
    ],
  ])('%s', (_title, work) => {
    expect(isCode(caught(work), 'rotation-edit-refused')).toBe(true);
  });
});

describe('writeRotation', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'keyturn-rotation-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('replaces the text, keeps the mode, and leaves nothing else behind', async () => {
    const file = path.join(directory, 'rotation.yaml');
    await writeFile(file, 'old');
    await chmod(file, 0o664);
    await writeRotation(file, 'new');
    expect(await readFile(file, 'utf8')).toBe('new');
    expect((await stat(file)).mode & 0o777).toBe(0o664);
    expect(await readdir(directory)).toEqual(['rotation.yaml']);
  });

  it('refuses to undo what somebody else has written since', async () => {
    const file = path.join(directory, 'rotation.yaml');
    await writeFile(file, '\uFEFFold\r\n');
    await writeRotation(file, 'new', await readRotationText(file));
    const refusal = await writeRotation(file, 'newer', '\uFEFFold\r\n').catch((error: unknown) => error);
    expect(isCode(refusal, 'rotation-edit-refused')).toBe(true);
    expect(await readFile(file, 'utf8')).toBe('new');
  });

  it('writes through a symbolic link', async () => {
    const [file, link] = [path.join(directory, 'real.yaml'), path.join(directory, 'rotation.yaml')];
    await writeFile(file, 'old');
    await symlink(file, link);
    await writeRotation(link, 'new');
    expect(await readFile(file, 'utf8')).toBe('new');
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });

  it('fails when the directory is not there, and leaves nothing', async () => {
    await expect(writeRotation(path.join(directory, 'none', 'rotation.yaml'), 'new')).rejects.toThrow('ENOENT');
    expect(await readdir(directory)).toEqual([]);
  });
});
