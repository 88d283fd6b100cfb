import path from 'node:path';
import { runChild } from '../../lib/terraform/child';
import { compiledKeyturn } from '../support/compiled-keyturn';
import { findSoftHsm } from '../support/soft-hsm';

const PROJECT = path.resolve(__dirname, '../..');
/** Neither jobs nor custodians know of the other, so that one rehearsal shows both. CI must have SoftHSM2. */
const CUSTODY = findSoftHsm() === undefined && !process.env.CI ? 'command' : 'pkcs11';

jest.setTimeout(900_000);

interface Document {
  readonly held: boolean;
  readonly proofs: readonly {
    readonly number: number;
    readonly holds: boolean;
    readonly observations: readonly { readonly what: string; readonly observed: unknown }[];
  }[];
}

/** As the README says it, with a custodian added. `rehearsal.test.ts` runs it uncompiled. */
describe(`keyturn rehearse --engine batch --custody ${CUSTODY}`, () => {
  let exit: number | null;
  let stderr: string;
  let document: Document;

  beforeAll(async () => {
    const args = [compiledKeyturn(), 'rehearse', '--engine', 'batch', '--custody', CUSTODY, '--json'];
    const ended = await runChild({ file: process.execPath, args, cwd: PROJECT, env: process.env, signal: undefined });
    ({ exit, stderr } = ended);
    document = JSON.parse(ended.stdout);
  });

  it('holds all eleven proofs', () => {
    expect(stderr).not.toContain('does not hold');
    expect(document.proofs.filter((proof) => proof.holds).map((proof) => proof.number)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ]);
    expect(document.held).toBe(true);
    expect(exit).toBe(0);
  });

  it('generates and wraps the material with the custodian', () => {
    expect(stderr).toContain('material generated and wrapped');
  });

  it('lets one job move every object version, as an ordinary client of S3 Control sees it', () => {
    const seen = document.proofs[6]?.observations.find(({ what }) => what.includes('tasks of the job'));
    expect(seen?.observed).toEqual([[expect.any(Number), 0]]);
  });

  it('shows the role of the jobs in the plan of the switch', () => {
    expect(stderr).toContain('~ change aws_iam_role_policy.batch');
    expect(stderr).toContain('"Sid":"LeaveOldKeys"');
  });
});
