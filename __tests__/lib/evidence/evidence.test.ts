import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { isCode } from '../../../lib/errors';
import { canonicalJson } from '../../../lib/evidence/canonical';
import { checkEvidence } from '../../../lib/evidence/check';
import { type EvidenceRun, openEvidence } from '../../../lib/evidence/evidence';
import evidenceSchema from '../../../lib/evidence/evidence.schema.json';
import { runs } from '../../runner/slow';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-evidence-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const clock = () => new Date('2026-11-24T10:11:12.345Z');
const begin = (command = 'rotate') => openEvidence({ directory, command, clock });

async function threeRecords(): Promise<{ file: string; bytes: Buffer; lines: string[] }> {
  const run = await begin();
  await run.record('outcome', 'switch', { from: 'v1', to: 'v2', 'näme \u2028': [1, null, true] });
  await run.close('finished');
  const bytes = await readFile(run.file);
  return { file: run.file, bytes, lines: bytes.toString('utf8').trimEnd().split('\n') };
}

/** The faults of a file that holds these bytes. */
async function faultsOf(content: Uint8Array | string): Promise<string[]> {
  const file = path.join(directory, 'changed.ndjson');
  await writeFile(file, content);
  return (await checkEvidence(file)).faults.map(({ line, code }) => `${line} ${code}`);
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('openEvidence', () => {
  it('names the file by time and run, and writes records that follow from one another', async () => {
    const { file, lines } = await threeRecords();
    expect(path.basename(file)).toMatch(/^20261124T101112Z-[0-9a-f]{16}\.ndjson$/);
    const records = lines.map((line) => JSON.parse(line));
    expect(records.map(({ seq, type, step }) => [seq, type, step])).toEqual([
      [1, 'run-opened', 'run'],
      [2, 'outcome', 'switch'],
      [3, 'run-closed', 'run'],
    ]);
    expect(records.map(({ previous }) => previous)).toEqual(['0'.repeat(64), records[0].hash, records[1].hash]);
    expect(records[0].data).toEqual({ command: 'rotate', runId: path.basename(file, '.ndjson').slice(-16) });
  });

  it('has every record on disk when its call returns', async () => {
    const run = await begin();
    const record = await run.record('intent', 'switch', {});
    expect((await readFile(run.file, 'utf8')).trimEnd().endsWith(`"hash":"${record.hash}"}`)).toBe(true);
    expect(run.head).toBe(record.hash);
    await run.close('finished');
  });

  describe('where the disk', () => {
    /** Replaces what every file handle does for fsync of its data. */
    const onDatasync = async (act: (this: FileHandle) => Promise<void>) => {
      await using handle = await open(directory, 'r');
      return jest.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'datasync').mockImplementation(act);
    };
    afterEach(() => jest.restoreAllMocks());

    it('is slow, goes on only when the record is on it', async () => {
      const run = await begin();
      let release = () => {};
      const isOnDisk = new Promise<void>((resolve) => {
        release = resolve;
      });
      const lines: number[] = [];
      const synced = await onDatasync(async () => {
        lines.push((await readFile(run.file, 'utf8')).split('\n').length - 1);
        await isOnDisk;
      });
      let isRecorded = false;
      const recorded = run.record('intent', 'switch', {}).then(() => {
        isRecorded = true;
      });
      while (lines.length === 0 && !isRecorded) await new Promise(setImmediate);
      await new Promise(setImmediate);
      // The line of the record was written before it was asked for, and the caller waits.
      expect({ lines, isRecorded }).toEqual({ lines: [2], isRecorded: false });
      release();
      await recorded;
      await run.close('finished');
      expect(synced).toHaveBeenCalledTimes(2);
    });

    it('fails to keep a record, refuses it and every later one', async () => {
      const run = await begin();
      await onDatasync(() => Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' })));
      const [first, second] = [await failure(run.record('intent', 'switch', {})), await failure(run.close('finished'))];
      expect([first, second].map((error) => isCode(error, 'evidence-unwritable'))).toEqual([true, true]);
    });
  });

  it('writes calls that overlap one after the other, with the data of the moment of the call', async () => {
    const run = await begin();
    const data = { count: 0 };
    const writes = Array.from({ length: 20 }, (_, count) => {
      data.count = count;
      return run.record('outcome', 're-encrypt', data);
    });
    await Promise.all([...writes, run.close('finished')]);
    const lines = (await readFile(run.file, 'utf8')).trimEnd().split('\n');
    expect(lines.slice(1, -1).map((line) => JSON.parse(line).data.count)).toEqual([...Array(20).keys()]);
    expect((await checkEvidence(run.file)).faults).toEqual([]);
  });

  it('writes any plain data so that the check, which has its own canonical form, agrees', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxLength: 3 }),
        async (datas) => {
          const run = await begin();
          for (const data of datas) await run.record('outcome', 'any', data);
          await run.close('finished');
          expect((await checkEvidence(run.file)).faults).toEqual([]);
        },
      ),
      { numRuns: runs(50) },
    ));

  it('writes records of the published schema', async () => {
    const schema = z.fromJSONSchema(evidenceSchema as Parameters<typeof z.fromJSONSchema>[0]);
    for (const line of (await threeRecords()).lines) expect(schema.safeParse(JSON.parse(line)).error).toBeUndefined();
  });

  it('refuses bytes, writes nothing for them, and goes on', async () => {
    const run = await begin();
    await expect(run.record('outcome', 'import', { material: Buffer.alloc(32) })).rejects.toThrow(TypeError);
    await run.record('outcome', 'import', { keyArn: 'x' });
    await run.close('finished');
    expect(await checkEvidence(run.file)).toMatchObject({ records: 3, faults: [] });
  });

  it('fails when it is closed, and closing twice does nothing', async () => {
    const run = await begin();
    await run.close('finished');
    await run.close('again');
    await expect(run.record('outcome', 'x', {})).rejects.toThrow(RangeError);
    expect((await checkEvidence(run.file)).files[0]?.outcome).toBe('finished');
  });

  it('fails when the directory cannot be made', async () => {
    const blocked = path.join(directory, 'file');
    await writeFile(blocked, '');
    const error = await failure(openEvidence({ directory: blocked, command: 'rotate' }));
    expect(isCode(error, 'evidence-unwritable')).toBe(true);
  });

  it('fails when the disk does, and never writes past a gap', async () => {
    const run = await begin();
    const failing = await withFailingDisk(() => failure(run.record('outcome', 'a', {})));
    expect(isCode(failing, 'evidence-unwritable')).toBe(true);
    expect(await failure(run.record('outcome', 'b', {}))).toBe(failing);
    expect(await failure(run.close('finished'))).toBe(failing);
    expect((await readFile(run.file, 'utf8')).split('\n')).toHaveLength(2);
  });
});

/** Runs the work while appending to any file fails as a full disk does. */
async function withFailingDisk<T>(work: () => Promise<T>): Promise<T> {
  const { open } = await import('node:fs/promises');
  const probe = await open(path.join(directory, 'probe'), 'w');
  const full = jest
    .spyOn(Object.getPrototypeOf(probe), 'appendFile')
    .mockRejectedValue(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
  await probe.close();
  try {
    return await work();
  } finally {
    full.mockRestore();
  }
}

describe('checkEvidence', () => {
  it('finds nothing wrong with what openEvidence wrote, and names outcome and head', async () => {
    const { file, lines } = await threeRecords();
    const { hash } = JSON.parse(lines[2] ?? '');
    const files = [
      {
        file,
        records: 3,
        head: hash,
        outcome: 'finished',
        follows: undefined,
        concurrentRun: false,
        signature: 'none',
      },
    ];
    expect(await checkEvidence(directory)).toEqual({ files, records: 3, faults: [], beginnings: 1 });
  });

  it('imports nothing of the code that writes', async () => {
    const sources = await Promise.all(
      ['check', 'check-runs', 'check-outcomes', 'check-signatures', 'checked-evidence'].map((name) =>
        readFile(`lib/evidence/${name}.ts`, 'utf8'),
      ),
    );
    const imported = sources.flatMap((source) => [...source.matchAll(/from '(\.[^']*)'/g)].map(([, name]) => name));
    expect([...new Set(imported)].sort()).toEqual([
      '../errors',
      './check-outcomes',
      './check-runs',
      './check-signatures',
      './checked-evidence',
      './evidence-record',
    ]);
  });

  it('finds any one flipped bit of any byte', async () => {
    const { bytes } = await threeRecords();
    const missed: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
      if ((await faultsOf(flipped)).length === 0) missed.push(at);
    }
    expect(missed).toEqual([]);
  });

  it('finds a file that was cut anywhere', async () => {
    const { bytes } = await threeRecords();
    for (let length = 0; length < bytes.length; length++)
      expect(await faultsOf(bytes.subarray(0, length))).not.toEqual([]);
  });

  it.each<[string, (lines: string[]) => string[], string]>([
    ['a missing first record', ([, b = '', c = '']) => [b, c], '1 not-opened'],
    ['a missing record in the middle', ([a = '', , c = '']) => [a, c], '2 broken-chain'],
    ['a missing last record', ([a = '', b = '']) => [a, b], '2 not-closed'],
    ['records that changed places', ([a = '', b = '', c = '']) => [b, a, c], '1 broken-chain'],
    ['a record that stands twice', ([a = '', b = '', c = '']) => [a, b, b, c], '3 broken-chain'],
    ['a record after the end', (lines) => [...lines, lines[1] ?? ''], '4 after-close'],
    ['two files joined', (lines) => [...lines, ...lines], '4 not-opened'],
    ['an empty line', ([a = '', b = '', c = '']) => [a, '', b, c], '2 not-json'],
    ['a line that is no record', ([a = '', b = '', c = '']) => [a, '{"schemaVersion":1}', b, c], '2 not-a-record'],
    [
      'a newer format',
      (lines) => lines.map((line) => line.replace('"schemaVersion":1', '"schemaVersion":2')),
      '1 unknown-version',
    ],
    [
      'white space between members',
      (lines) => lines.map((line) => line.replace('","data"', '", "data"')),
      '1 not-canonical',
    ],
    [
      'an escape that canonical JSON does not use',
      (lines) => lines.map((line) => line.replace('switch', '\\u0073witch')),
      '2 not-canonical',
    ],
    [
      'a number with a different text',
      (lines) => lines.map((line) => line.replace('[1,null', '[1.0,null')),
      '2 not-canonical',
    ],
  ])('finds %s', async (_name, change, expected) => {
    const { lines } = await threeRecords();
    expect(
      await faultsOf(
        change(lines)
          .map((line) => `${line}\n`)
          .join(''),
      ),
    ).toContain(expected);
  });

  it('finds a record that was changed and given a new hash of its own', async () => {
    const { lines } = await threeRecords();
    const [first = '', second = '', third = ''] = lines;
    const changed = second.replace('"to":"v2"', '"to":"v3"').replace(/,"hash":"[0-9a-f]{64}"\}$/, '}');
    const hash = createHash('sha256').update(changed).digest('hex');
    expect(await faultsOf(`${first}\n${changed.slice(0, -1)},"hash":"${hash}"}\n${third}\n`)).toEqual([
      '3 broken-chain',
    ]);
  });

  describe('of a record whose hash was made to fit', () => {
    /** The second line with members replaced, in canonical form and with the hash of that; undefined takes one away. */
    async function withMembers(members: Readonly<Record<string, unknown>>): Promise<string[]> {
      const { lines } = await threeRecords();
      const { hash: _, ...body } = JSON.parse(lines[1] ?? '');
      const text = canonicalJson(JSON.parse(JSON.stringify({ ...body, ...members })));
      const hash = createHash('sha256').update(text).digest('hex');
      return faultsOf(`${lines[0]}\n${text.slice(0, -1)},"hash":"${hash}"}\n${lines[2]}\n`);
    }

    it.each<[string, Readonly<Record<string, unknown>>]>([
      ['a number that is none', { seq: '2' }],
      ['half a number', { seq: 2.5 }],
      ['a previous hash in capitals', { previous: 'A'.repeat(64) }],
      ['a previous hash that is too short', { previous: 'a'.repeat(63) }],
      ['a previous hash that is too long', { previous: 'a'.repeat(65) }],
      ['no type', { type: '' }],
      ['a type that is no text', { type: 1 }],
      ['no step', { step: '' }],
      ['a step that is no text', { step: null }],
      ['a time without milliseconds', { at: '2026-11-24T10:11:12Z' }],
      ['a time of another zone', { at: '2026-11-24T10:11:12.345+09:00' }],
      ['text around its time', { at: ' 2026-11-24T10:11:12.345Z' }],
      ['a time that is no text', { at: 1 }],
      ['a list as its data', { data: [] }],
      ['no data', { data: null }],
      ['a member too many', { extra: 1 }],
      ['a member too few', { step: undefined }],
    ])('finds %s', async (_title, members) => {
      expect(await withMembers(members)).toContain('2 not-a-record');
    });

    it('finds another number, and a hash that does not follow', async () => {
      expect(await withMembers({ seq: 3 })).toEqual(['2 wrong-seq', '3 broken-chain']);
      expect(await withMembers({ previous: 'a'.repeat(64) })).toEqual(['2 broken-chain', '3 broken-chain']);
      expect(await withMembers({ type: 'run-opened' })).toEqual(['2 not-opened', '3 broken-chain']);
    });

    it('says no outcome of a run that names none', async () => {
      const run = await begin();
      await run.close(1 as unknown as string);
      expect(await checkEvidence(run.file)).toMatchObject({ faults: [], files: [{ outcome: undefined }] });
    });
  });

  it('names what is no text, what was cut, and what is too long, apart from one another', async () => {
    const { bytes, lines } = await threeRecords();
    const first = Buffer.from(`${lines[0]}\n`);
    const rest = bytes.subarray(first.length);
    expect(await faultsOf(Buffer.concat([first, Buffer.from([0xff, 0x0a]), rest]))).toContain('2 not-text');
    expect(await faultsOf(bytes.subarray(0, -1))).toEqual(['3 cut-line']);
    const long = await faultsOf(Buffer.concat([bytes, Buffer.alloc(16 * 1024 * 1024 + 1, 'a')]));
    expect(long).toEqual(['4 after-close', '4 line-too-long', '4 not-json', '4 not-closed']);
    const most = await faultsOf(Buffer.concat([bytes, Buffer.alloc(16 * 1024 * 1024, 'a')]));
    expect(most).toEqual(['4 after-close', '4 cut-line', '4 not-json', '4 not-closed']);
  });

  it('finds a record that is not canonical even when its hash was made to fit', async () => {
    const { lines } = await threeRecords();
    const loose = (lines[2] ?? '').replace(/,"hash":"[0-9a-f]{64}"\}$/, '}').replace('"data"', ' "data"');
    const hash = createHash('sha256').update(loose).digest('hex');
    expect(await faultsOf(`${lines[0]}\n${lines[1]}\n${loose.slice(0, -1)},"hash":"${hash}"}\n`)).toEqual([
      '3 not-canonical',
    ]);
  });

  it('reports a run that was killed or is still running', async () => {
    const run = await begin();
    expect((await checkEvidence(run.file)).faults).toMatchObject([{ line: 1, code: 'not-closed' }]);
    await run.close('finished');
  });

  it('checks every evidence file of a directory in the order of their names', async () => {
    const runs: EvidenceRun[] = [];
    for (const command of ['a', 'b', 'c']) runs.push(await begin(command));
    for (const run of runs) await run.close('finished');
    await writeFile(path.join(directory, 'notes.txt'), 'not evidence');
    const { files, records, faults } = await checkEvidence(directory);
    expect(files.map(({ file }) => file)).toEqual(runs.map(({ file }) => file).sort());
    expect({ records, faults }).toEqual({ records: 6, faults: [] });
  });

  it.each([
    ['a path that is not there', 'none'],
    ['a directory without evidence', 'empty'],
  ])('fails when given %s', async (_name, name) => {
    await mkdir(path.join(directory, 'empty'));
    expect(isCode(await failure(checkEvidence(path.join(directory, name))), 'evidence-missing')).toBe(true);
  });

  it('finds nesting deeper than any record has, without failing', async () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const hash = '0'.repeat(64);
    const line = `{"at":"2026-11-24T10:11:12.345Z","data":${deep},"previous":"${hash}","schemaVersion":1,"seq":1,"step":"run","type":"run-opened","hash":"${hash}"}\n`;
    expect(await faultsOf(line)).toContain('1 not-canonical');
  });

  it('can be redone with a shell: the commands of docs/evidence.md agree', async () => {
    const { file } = await threeRecords();
    const script = /```sh check\n([\s\S]*?)```/.exec(await readFile('docs/evidence.md', 'utf8'))?.[1] ?? '';
    const run = (target: string) =>
      execFileSync('sh', ['-c', script, 'sh'], {
        env: { ...process.env, FILE: target },
        encoding: 'utf8',
        stdio: 'pipe',
      });
    expect(run(file)).toMatch(/^3 records, head [0-9a-f]{64}\n$/);
    const changed = path.join(directory, 'changed.ndjson');
    await writeFile(changed, (await readFile(file, 'utf8')).replace('v2', 'v3'));
    expect(() => run(changed)).toThrow('line 2');
  });
});
