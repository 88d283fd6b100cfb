import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadBase } from '../../../lib/plan-bundle/base-file';
import { textWith } from '../rotation/rotation-texts';

describe('the base of a rotation file', () => {
  let folder: string;
  const file = () => path.join(folder, 'rotation.yaml');
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: folder });
  const load = (base: string) => loadBase({ rotation: { file: file() }, base, cwd: folder, env: process.env });

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'keyturn-base-'));
    writeFileSync(file(), textWith({ alias: 'alias/committed' }));
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'Begin');
    writeFileSync(file(), textWith({ alias: 'alias/changed' }));
    writeFileSync(path.join(folder, 'before.yaml'), textWith({ alias: 'alias/before' }));
    writeFileSync(path.join(folder, 'broken.yaml'), 'name: [');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is a file, or what a git revision holds at its path', async () => {
    expect(await load('before.yaml')).toMatchObject({ alias: 'alias/before', file: file() });
    expect(await load('HEAD')).toMatchObject({ alias: 'alias/committed', file: file() });
  });

  it.each(['no-such-revision', '--output=stolen', 'HEAD:rotation.yaml', 'broken.yaml', '.'])(
    'is refused as %s',
    async (base) => {
      await expect(load(base)).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining(`--base names ${base}: `),
      });
    },
  );
});
