import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { greenRetirements } from '../../lib/plan-bundle/green-evidence';
import { type Finished, openSite, rotationText, type Site } from '../support/keyturn-process';

const MINUTES = 300_000;

describe('a clean rotation under review', () => {
  let site: Site;
  const evidence = () => path.join(site.directory, '.keyturn', 'evidence');
  const ends = (finished: Finished, exitCode = 0): Finished => {
    expect(finished.exitCode === exitCode ? '' : finished.stderr).toBe('');
    return finished;
  };
  const reviewOf = async () =>
    JSON.parse(await readFile(path.join(site.directory, 'plan', 'review.json'), 'utf8')) as {
      verdict: string;
      findings: unknown[];
      plans: { effects: string[] }[];
    };

  beforeAll(async () => {
    site = await openSite();
    await site.declare(rotationText(['v1'], 'v1'));
    ends(await site.run(['rotate', '--yes']));
  }, 2 * MINUTES);
  afterAll(() => site.close());

  it(
    'is quiet from the declaration to the switch, and is applied from the kept plans alone',
    async () => {
      expect(await greenRetirements(evidence())).toEqual([]);
      await site.declare(rotationText(['v1', 'v2'], 'v1'));
      ends(await site.run(['plan', '--out', 'plan']));
      expect(await reviewOf()).toMatchObject({ verdict: 'clean', findings: [] });
      ends(await site.run(['apply', 'plan', '--yes']));
      ends(await site.run(['pre-apply', '--yes']));
      await site.declare(rotationText(['v1', 'v2'], 'v2'));
      ends(await site.run(['plan', '--out', 'plan']));
      const { verdict, findings, plans } = await reviewOf();
      expect([verdict, findings, plans[0]?.effects]).toEqual(['clean', [], []]);
      expect(plans[1]?.effects).toEqual([
        'alias alias/rotation-test-key moves from v1 (Enabled) to v2 (Enabled)',
        'the default of bucket kms-key-rotation-test-bucket moves from v1 (Enabled) to v2 (Enabled)',
      ]);
    },
    2 * MINUTES,
  );

  it(
    'can be applied in another folder that has the state: same stacks, same provider',
    async () => {
      const elsewhere = path.join(site.directory, 'elsewhere');
      for (const name of [
        'rotation.yaml',
        'plan',
        'terraform.rotation-test-keys.tfstate',
        'terraform.rotation-test-storage.tfstate',
      ]) {
        await cp(path.join(site.directory, name), path.join(elsewhere, name), { recursive: true });
      }
      const there = ['--rotation-file', 'elsewhere/rotation.yaml'];
      const dry = ends(await site.run(['apply', 'elsewhere/plan', ...there, '--dry-run', '--json']));
      expect(JSON.parse(dry.stdout).stacks).toContainEqual({ stack: 'storage', outcome: 'would-apply' });
      ends(await site.run(['apply', 'elsewhere/plan', ...there, '--yes']));
      // Here the alias has moved by now, so that the same plan is refused.
      const late = await site.run(['apply', 'plan', '--yes']);
      expect([late.exitCode, late.stderr]).toEqual([4, expect.stringContaining('storage: main alias: was ')]);
      await cp(
        path.join(elsewhere, 'terraform.rotation-test-storage.tfstate'),
        path.join(site.directory, 'terraform.rotation-test-storage.tfstate'),
      );
    },
    2 * MINUTES,
  );

  it(
    'shows a retirement as green until it is rolled back',
    async () => {
      ends(await site.run(['post-apply', '--yes']));
      expect(await greenRetirements(evidence())).toMatchObject([
        { version: 'v1', keyArn: expect.stringMatching(/^arn:aws:kms/) },
      ]);
      await site.declare(rotationText(['v1', 'v2'], 'v2').replace('- name: v1', '- name: v1\n    disabled: true'));
      ends(await site.run(['plan', '--out', 'plan', '--detailed-exitcode']));
      expect(await reviewOf()).toMatchObject({ verdict: 'clean', findings: [] });
      ends(await site.run(['rollback', '--yes']));
      expect(await greenRetirements(evidence())).toEqual([]);
    },
    2 * MINUTES,
  );
});
