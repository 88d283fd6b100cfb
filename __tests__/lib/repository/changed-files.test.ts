import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { changedFiles } from '../../../lib/repository/changed-files';
import { originOf } from '../../../lib/repository/tracked-file';

let top: string;
let folder: string;
const at = (...parts: readonly string[]) => path.join(folder, ...parts);
const git = (...args: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: top, stdio: 'pipe' })
    .toString()
    .trim();
const put = (file: string, content: string | Buffer = 'x\n') => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), content);
};
const commit = () => {
  git('add', '--all', '--force');
  git('commit', '-qm', 'Change');
  return git('rev-parse', 'HEAD');
};

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'keyturn-changed-'));
  folder = path.join(top, 'photos');
  git('init', '-q', '-b', 'main');
  put('rotation.yaml', 'name: photos\nkeyVersions:\n');
  put('custody/photos-v1.age');
  put('notes.md');
  commit();
});
afterEach(() => rmSync(top, { recursive: true }));

describe('the files that a proposal changes', () => {
  const changes = async (base = 'main', proposed = 'proposal') => {
    const found = await changedFiles({
      folder,
      base,
      proposed,
      env: process.env,
      hashed: (file) => file.startsWith('custody/'),
    });
    return found?.map(({ path: name, kind, form, holds, sha256 }) =>
      [kind, form, holds, name, sha256?.slice(0, 8)].filter((one) => one !== undefined).join(' '),
    );
  };

  it('are found in the objects of git, whatever is checked out, and since both parted', async () => {
    git('checkout', '-q', '-b', 'proposal');
    rmSync(at('custody/photos-v1.age'));
    put('custody/photos-v2.age', 'sealed');
    put('notes.md', 'more\n');
    writeFileSync(path.join(top, 'odd "näme"\n.txt'), 'x');
    symlinkSync('/etc/passwd', at('rotation.lock.json'));
    put('seal.sh');
    chmodSync(at('seal.sh'), 0o755);
    put('other.yaml', '"keyVersions":\n');
    commit();
    git('checkout', '-q', 'main');
    put('later.md');
    commit();
    const sealed = createHash('sha256').update('sealed').digest('hex').slice(0, 8);
    expect(await changes()).toEqual([
      'added file ../odd "näme"\n.txt',
      'removed file custody/photos-v1.age',
      `added file custody/photos-v2.age ${sealed}`,
      'changed file notes.md',
      'added file rotation other.yaml',
      'added link rotation.lock.json',
      'added program seal.sh',
    ]);
    expect(await changes('main', 'main')).toEqual([]);
  });

  it.each<[string, string, string | Buffer]>([
    ['an age identity', 'a.txt', 'x\nAGE-SECRET-KEY-1QQQ\n'],
    ['one after binary bytes', 'a.bin', Buffer.from('\0\0AGE-SECRET-KEY-PQ-1QQQ')],
    ['a private key', 'custody/signer.pem', '-----BEGIN EC PRIVATE KEY-----\n'],
    ['32 bytes that are no text', 'custody/material', Buffer.alloc(32, 0xa5)],
  ])('hold a secret: %s', async (_what, file, content) => {
    git('checkout', '-q', '-b', 'proposal');
    put(file, content);
    put('hash.txt', 'd41d8cd98f00b204e9800998ecf8427e');
    commit();
    expect((await changes())?.filter((one) => one.includes(' secret '))).toEqual([
      expect.stringContaining(`added file secret ${file}`),
    ]);
  });

  it('are unknown where a revision is none', async () => {
    for (const none of ['nowhere', '--output=x', 'main:notes.md', ''])
      expect([await changes(none, 'main'), await changes('main', none)]).toEqual([undefined, undefined]);
  });
});

describe('the origin of a file', () => {
  const origin = (file: string, base?: string) => originOf(file, readFileSync(file), base, process.env);

  it('is a commit where git tracks it, the base where that has the same bytes, and otherwise this machine', async () => {
    put('evidence/old.ndjson', 'old');
    const base = commit();
    put('evidence/forged.ndjson', 'forged');
    commit();
    put('evidence/archived.ndjson', 'archived');
    expect(await origin(at('evidence/old.ndjson'))).toBe('commit');
    expect(await origin(at('evidence/old.ndjson'), base)).toBe('base');
    expect(await origin(at('evidence/forged.ndjson'), base)).toBe('commit');
    expect(await origin(at('evidence/archived.ndjson'), base)).toBe('here');
    put('evidence/old.ndjson', 'changed');
    expect(await origin(at('evidence/old.ndjson'), base)).toBe('commit');
  });

  it('is a commit where a committed link leads to it, or leads to a committed file', async () => {
    put('elsewhere/kept.ndjson');
    const outside = mkdtempSync(path.join(tmpdir(), 'keyturn-outside-'));
    writeFileSync(path.join(outside, 'x.ndjson'), 'x');
    symlinkSync(outside, at('linked'));
    commit();
    expect(await origin(at('linked/x.ndjson'))).toBe('commit');
    expect(await origin(path.join(outside, 'x.ndjson'))).toBe('here');
    symlinkSync(at('elsewhere'), path.join(outside, 'back'));
    expect(await origin(path.join(outside, 'back/kept.ndjson'))).toBe('commit');
    rmSync(outside, { recursive: true });
  });
});
