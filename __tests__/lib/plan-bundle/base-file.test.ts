import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadBase } from '../../../lib/plan-bundle/base-file';
import { bindingText } from '../../../lib/rotation/binding';
import { boundVersion } from '../../e2e/recorded-keys';
import { textWith } from '../rotation/rotation-texts';

const ARN = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555';

describe('the base of a rotation file', () => {
  let folder: string;
  const file = () => path.join(folder, 'rotation.yaml');
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: folder });
  const load = (base: string) => loadBase({ rotation: { file: file() }, base, cwd: folder, env: process.env });

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'keyturn-base-'));
    writeFileSync(file(), textWith({ alias: 'alias/committed' }));
    writeFileSync(path.join(folder, 'rotation.lock.json'), bindingText('test', [boundVersion('v1', ARN)]));
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'Begin');
    rmSync(path.join(folder, 'rotation.lock.json'));
    writeFileSync(file(), textWith({ alias: 'alias/changed' }));
    writeFileSync(path.join(folder, 'before.yaml'), textWith({ alias: 'alias/before' }));
    writeFileSync(path.join(folder, 'broken.yaml'), 'name: [');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is a file, or what a git revision holds at its path', async () => {
    expect(await load('before.yaml')).toMatchObject({ alias: 'alias/before', file: file() });
    expect(await load('HEAD')).toMatchObject({ alias: 'alias/committed', file: file() });
  });

  it('has the binding that stands beside it, in its folder or in its revision', async () => {
    expect((await load('HEAD')).binding.map(({ keyArn }) => keyArn)).toEqual([ARN]);
    expect((await load('before.yaml')).binding).toEqual([]);
    writeFileSync(path.join(folder, 'before.lock.json'), bindingText('test', [boundVersion('v1', ARN)]));
    expect((await load('before.yaml')).binding).toHaveLength(1);
    writeFileSync(path.join(folder, 'before.lock.json'), '{');
    await expect(load('before.yaml')).rejects.toMatchObject({ code: 'usage' });
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
