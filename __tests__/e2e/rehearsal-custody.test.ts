import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findSoftHsm } from '../support/soft-hsm';

const PROJECT = path.resolve(__dirname, '../..');
/** One rehearsal with age files and one with another custodian have tests of their own; these repeat them, with SLOW=1. */
const slow = process.env.SLOW === '1' ? describe : describe.skip;
const CUSTODIANS = ['command', ...(findSoftHsm() === undefined ? [] : ['pkcs11'])];

jest.setTimeout(900_000);

slow.each(CUSTODIANS)('npm run rehearse -- --custody %s', (custody) => {
  it('takes a rotation through both key versions', () => {
    const { status, stderr, document } = rehearse(custody);
    expect(document.proofs.filter((proof: { holds: boolean }) => !proof.holds)).toEqual([]);
    expect(document.proofs).toHaveLength(11);
    expect(stderr).toContain('material generated and wrapped');
    expect(status).toBe(0);
  });
});

function rehearse(custody: string) {
  const temporary = mkdtempSync(path.join(tmpdir(), 'keyturn-rehearsal-test-'));
  try {
    const { status, stdout, stderr } = spawnSync(
      'npm',
      ['run', '--silent', 'rehearse', '--', '--json', '--custody', custody],
      { cwd: PROJECT, env: { ...process.env, TMPDIR: temporary }, encoding: 'utf8' },
    );
    return { status, stderr, document: JSON.parse(stdout) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
