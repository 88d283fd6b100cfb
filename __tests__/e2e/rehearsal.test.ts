import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PROJECT = path.resolve(__dirname, '../..');

jest.setTimeout(900_000);

interface Document {
  readonly schemaVersion: number;
  readonly held: boolean;
  readonly proofs: readonly {
    readonly number: number;
    readonly title: string;
    readonly holds: boolean;
    readonly observations: readonly { readonly what: string }[];
  }[];
  readonly spent: Readonly<Record<string, number>>;
}

/** `npm run rehearse -- --json`, as the README says it, with a temporary folder that can be looked into afterwards. */
describe('npm run rehearse', () => {
  const temporary = mkdtempSync(path.join(tmpdir(), 'keyturn-rehearsal-test-'));
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'rehearse', '--', '--json'], {
    cwd: PROJECT,
    env: { ...process.env, TMPDIR: temporary },
    encoding: 'utf8',
  });
  const document = status === null ? undefined : (JSON.parse(stdout) as Document);

  afterAll(() => rmSync(temporary, { recursive: true, force: true }));

  it('ends well', () => {
    expect(stderr).not.toContain('does not hold');
    expect(status).toBe(0);
    expect(document).toMatchObject({ schemaVersion: 1, held: true });
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])('holds proof %i, from what ordinary clients saw', (number) => {
    const proof = document?.proofs.find((one) => one.number === number);
    expect(proof).toMatchObject({ number, holds: true });
    expect(proof?.observations.length).toBeGreaterThan(1);
  });

  it('shows both plans of the switch as a reviewer would see them', () => {
    expect(stderr).toContain('+ create aws_kms_external_key.version_v2');
    expect(stderr).toContain('~ change aws_kms_alias.main');
    expect(stderr).toMatch(/kms_master_key_id: "arn:aws:kms:[^"]+" → "arn:aws:kms:[^"]+"/);
  });

  it('shows the dress rehearsal of the disable, and proves it by sessions of ordinary clients', () => {
    const seen = document?.proofs.find((one) => one.number === 8)?.observations.map(({ what }) => what);
    expect(seen).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/SHA-256 of [1-9]\d* downloads by \S+, which is denied v1/),
        expect.stringMatching(/downloads by \S+, which is denied v2/),
      ]),
    );
    expect(stderr).toMatch(
      /v1: dress rehearsal as arn:aws:iam::\d{12}:role\/\S+: [1-9]\d* object version\(s\) read without the key, 0 not/,
    );
  });

  it('says where the time went', () => {
    expect(Object.keys(document?.spent ?? {})).toEqual(
      expect.arrayContaining(['terraform plan', 'terraform apply', 'keyturn', 'rehearsal']),
    );
  });

  it('leaves nothing behind in the temporary folder', () => {
    expect(readdirSync(temporary).filter((name) => name.startsWith('keyturn-'))).toEqual([]);
  });
});
