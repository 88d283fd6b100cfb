import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withSoftHsm } from '../support/soft-hsm';

const PROJECT = path.resolve(__dirname, '../..');

jest.setTimeout(900_000);

/** The rehearsal with age files has a test of its own; here it is played with the other custodians. */
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

function expectEveryProof(custody: string): void {
  const { status, stderr, document } = rehearse(custody);
  expect(document.proofs.filter((proof: { holds: boolean }) => !proof.holds)).toEqual([]);
  expect(document.proofs).toHaveLength(10);
  expect(stderr).toContain('material generated and wrapped');
  expect(status).toBe(0);
}

it('takes a rotation through both key versions with a custodian command', () => {
  expectEveryProof('command');
});

withSoftHsm('with SoftHSM2 (needs softhsm2 and a built pkcs11js)', () => {
  it('takes a rotation through both key versions', () => {
    expectEveryProof('pkcs11');
  });
});
