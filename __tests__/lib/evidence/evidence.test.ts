import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkEvidence } from '../../../lib/evidence/check';
import { openEvidence } from '../../../lib/evidence/evidence';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-evidence-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const clock = () => new Date('2026-11-24T10:11:12.345Z');

async function threeRecords(): Promise<string> {
  const run = await openEvidence({ directory, command: 'rotate', clock });
  await run.record('outcome', 'switch', { from: 'v1', to: 'v2', 'näme \u2028': [1, null, true] });
  await run.close('finished');
  return run.file;
}

const codes = async (bytes: Uint8Array | string, name = 'changed.ndjson'): Promise<string[]> => {
  const file = path.join(directory, name);
  await writeFile(file, bytes);
  return (await checkEvidence(file)).faults.map((fault) => fault.code);
};

describe('checkEvidence', () => {
  it('finds nothing wrong with what openEvidence wrote, and names outcome and head', async () => {
    const file = await threeRecords();
    const last = JSON.parse((await readFile(file, 'utf8')).trimEnd().split('\n').at(-1) ?? '');
    expect(await checkEvidence(directory)).toEqual({
      files: [{ file, records: 3, head: last.hash, outcome: 'finished' }],
      records: 3,
      faults: [],
    });
  });

  it('finds any one flipped bit of any byte', async () => {
    const bytes = await readFile(await threeRecords());
    const missed: string[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
      if ((await codes(flipped)).length === 0) missed.push(`byte ${at}`);
    }
    expect(missed).toEqual([]);
  });
});
