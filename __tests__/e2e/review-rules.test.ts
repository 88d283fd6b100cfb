import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readPlanDocument } from '../../lib/review/plan-document';
import { plain } from '../../lib/review/review-messages';
import type { GreenRetirement } from '../../lib/review/review-rule';
import { reviewRules } from '../../lib/review/rules';
import { parseRotation } from '../../lib/rotation/rotation-file';
import { synthesize } from '../../lib/terraform/synthesize';
import { expectedOf } from '../lib/review/edited-plans';
import { compiledStacks } from '../support/compiled-keyturn';
import { keyArn } from './recorded-keys';
import { planScenes, RECORD_DAY, readRecord, steadyFolder } from './recorded-plans';
import {
  MATERIAL,
  rotationFile,
  SCENE_NAMES,
  SCENES,
  type Scene,
  type SceneName,
  SWITCHED,
  TWO,
} from './review-scenes';
import { type RealPlan, reviewReal, reviewRecorded, rulesIn, type StackBody } from './review-stage';
import { stage } from './stacks-stage';

/** Plans of real Terraform, one line a scene. What they were made of is held against what is synthesized now. */
const record = readRecord();

function recorded(scene: SceneName): RealPlan {
  const plan = record.get(scene);
  if (!plan) throw new Error(`${scene} is not recorded: npx tsx __tests__/e2e/record-plans.ts`);
  return plan;
}

/** All that a review reads, but which Terraform it was. */
function reviewedParts(json: string) {
  const {
    whole: _whole,
    formatVersion: _format,
    terraformVersion: _terraform,
    ...parts
  } = readPlanDocument(json, 'plan');
  return parts;
}

describe('the recorded plans (`npm run record-plans` records them again)', () => {
  const stacks = new Map<string, StackBody>();

  beforeAll(async () => {
    for (const rotation of [TWO, SWITCHED]) {
      const folder = await mkdtemp(path.join(tmpdir(), 'keyturn-scenes-'));
      const file = path.join(folder, 'rotation.yaml');
      await writeFile(file, rotation);
      const on = { workDirectory: folder, env: process.env, trusted: compiledStacks() };
      const found = await synthesize({ rotationFile: file, name: 'payroll', ...on });
      for (const stack of ['keys', 'storage'] as const) {
        const text = await readFile(path.join(found[stack].directory, 'cdk.tf.json'), 'utf8');
        stacks.set(`${rotation} ${stack}`, JSON.parse(steadyFolder(text, folder)));
      }
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  it('are all there, and no other', () => {
    expect([...record.keys()].sort()).toEqual([...SCENE_NAMES].sort());
  });

  it.each(SCENE_NAMES)('%s was planned from the stack that is synthesized today', (name) => {
    const { rotation, stack, change = () => {} }: Scene = SCENES[name];
    const now = structuredClone(stacks.get(`${rotation} ${stack}`));
    if (!now) throw new Error(`no stack of ${name}`);
    change(now);
    expect(recorded(name).stackFile).toEqual(now);
  });

  /** One plan that creates, one that updates, deletes and forgets; all of them with SLOW=1. */
  const live: readonly SceneName[] = process.env.SLOW === '1' ? SCENE_NAMES : ['first storage', 'weakened keys'];

  it('are what real Terraform plans now', async () => {
    await using on = await stage({ clock: RECORD_DAY });
    await on.keepProvider({ kinds: ['aws_region'] });
    const plans = await planScenes(on, live);
    expect(plans.map(({ scene }) => scene).sort()).toEqual([...live].sort());
    for (const { scene, json } of plans) {
      expect(reviewedParts(json)).toEqual(reviewedParts(recorded(scene).json));
    }
  }, 900_000);
});

describe('every rule, on plans of real Terraform', () => {
  const fired = new Set<string>();

  const review = async (rotation: string, plans: readonly RealPlan[], more: Parameters<typeof reviewReal>[2] = {}) => {
    const found = await reviewReal(rotation, plans, more);
    for (const rule of rulesIn(found)) fired.add(rule);
    return found;
  };
  const message = ({ findings }: Awaited<ReturnType<typeof review>>, rule: string) =>
    findings.filter((one) => one.rule === rule).map((one) => plain(one.message));

  it('refuses a key that is replaced, and material or an expiry in the configuration', async () => {
    const plan = recorded('replaced key');
    const found = await review(TWO, [plan]);
    expect(rulesIn(found)).toEqual(['KT001', 'KT004', 'KT010', 'KT011', 'KT024', 'KT052', 'KT072']);
    expect(found.verdict).toBe('refused');
    expect(JSON.stringify(found)).not.toContain(MATERIAL);
  });

  it('refuses a disabled version, a wider policy, a shorter window, a key let go of, and what is not the rotation’s', async () => {
    const plan = recorded('weakened keys');
    const found = await review(TWO, [plan]);
    expect(rulesIn(found)).toEqual(
      'KT002 KT003 KT005 KT040 KT041 KT042 KT043 KT044 KT050 KT052 KT055 KT060 KT070 KT071 KT072'.split(' '),
    );
    expect(message(found, 'KT042')).toEqual([
      'arn:aws:iam::999988887777:root may now: kms:deleteimportedkeymaterial, kms:schedulekeydeletion',
    ]);
  });

  it('accepts a version that is disabled with green evidence for it', async () => {
    const changed = recorded('disabled key');
    const retired = rotationFile(['{ name: v1, disabled: true }', 'name: v2'], 'v2');
    expect(rulesIn(await review(retired, [changed]))).toEqual(['KT005', 'KT052']);
    const plan = { ...changed, stackFile: undefined };
    expect(rulesIn(await review(retired, [plan]))).toEqual(['KT005']);
    const other = [{ version: 'v1', keyArn: keyArn('v2'), file: 'of-another-key.ndjson', origin: 'here' as const }];
    expect(rulesIn(await review(retired, [plan], { green: other }))).toEqual(['KT005']);
    const from = (origin: GreenRetirement['origin']) => ({
      green: [{ version: 'v1', keyArn: keyArn('v1'), file: '/x/evidence.ndjson', origin }],
    });
    for (const origin of ['here', 'base', 'signed'] as const) {
      const { verdict, plans } = await review(retired, [plan], from(origin));
      expect([verdict, plans[0]?.effects.map(plain)]).toEqual([
        'clean',
        expect.arrayContaining([
          expect.stringMatching(/is disabled; evidence.ndjson shows that it was verified empty/),
        ]),
      ]);
    }
    const committed = await review(retired, [plan], from('commit'));
    expect(message(committed, 'KT005')).toEqual([
      expect.stringContaining(
        'the evidence in evidence.ndjson is committed, so the reviewed change may have brought it',
      ),
    ]);
  });

  it('refuses a default that leaves SSE-KMS or names an alias, an undeclared key, and weaker buckets', async () => {
    const plan = recorded('weakened buckets');
    const found = await review(TWO, [plan]);
    expect(rulesIn(found)).toEqual(['KT022', 'KT024', 'KT030', 'KT031', 'KT032', 'KT034', 'KT060']);
    expect(message(found, 'KT034')).toEqual([
      'bucket payroll.data: block_public_policy is switched off',
      'bucket payroll.data: versioning is switched off',
    ]);
  });

  it('refuses a wider role of the jobs, less of a lock on evidence, and buckets for the rotation that others reach', async () => {
    const plan = recorded('weakened role and evidence');
    const found = await review(TWO, [plan]);
    expect(rulesIn(found)).toEqual('KT034 KT035 KT036 KT037 KT045 KT046 KT060'.split(' '));
    expect(message(found, 'KT034')).toEqual([
      'bucket payroll-jobs: requests without TLS are no longer denied',
      'bucket payroll-jobs: restrict_public_buckets is switched off',
    ]);
    expect(message(found, 'KT036')).toEqual([
      'the mode of the lock changes from COMPLIANCE to GOVERNANCE: principals with the bypass permission can delete',
      'evidence is locked for 30 days instead of 400',
    ]);
    expect(message(found, 'KT037')).toEqual(['bucket payroll-jobs: arn:aws:iam::999988887777:root may s3:GetObject']);
    expect(message(found, 'KT045')).toEqual([
      'the role can be assumed by AWS: *',
      'the role may s3:DeleteObject on arn:aws:s3:::payroll.data/*',
    ]);
  });

  it('refuses a bucket that is destroyed, a plan of single resources, and a target that nobody can see', async () => {
    const gone = recorded('bucket let go');
    expect(rulesIn(await review(TWO, [gone]))).toEqual(
      'KT021 KT030 KT033 KT034 KT044 KT052 KT060 KT070 KT072'.split(' '),
    );
    const aimed = recorded('one target');
    expect(rulesIn(await review(TWO, [aimed]))).toContain('KT053');
  });

  it('refuses a backend other than the file’s, and plans of another rotation', async () => {
    const plan = recorded('unchanged keys');
    expect((await review(TWO, [plan])).verdict).toBe('clean');
    const elsewhere = rotationFile(
      ['name: v1', 'name: v2'],
      'v1',
      'terraform: { backend: s3, s3: { bucket: states } }\n',
    );
    expect(rulesIn(await review(elsewhere, [plan]))).toEqual(['KT051']);
    const other = review(TWO.replace('name: payroll\n', 'name: billing\n'), [plan]);
    await expect(other).rejects.toMatchObject({ code: 'review-plan-other-rotation' });
    const nextMonth = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
    const waived = rotationFile(
      ['name: v1', 'name: v2'],
      'v1',
      'terraform: { backend: s3, s3: { bucket: states } }\nreview:\n  waivers:\n' +
        '    - { rule: KT051, reason: the state moves this week, until: 2020-01-01 }\n' +
        `    - { rule: KT051, reason: the state moves this week, until: ${nextMonth} }\n`,
    );
    const found = await review(waived, [plan]);
    expect(rulesIn(found)).toEqual(['KT090']);
    expect(found.waived.map((one) => one.rule)).toEqual(['KT051']);
  });

  it('is quiet on the first plan, with the role of the jobs and the buckets that serve the rotation', async () => {
    const found = await review(TWO, [recorded('first storage')]);
    expect(found.findings).toEqual([]);
    const effects = found.plans.flatMap((one) => one.effects).map(plain);
    const beginning = (words: string) => expect.stringMatching(new RegExp(`^${words}`));
    expect(effects).toEqual(
      expect.arrayContaining([
        beginning('bucket payroll-jobs is created: force destroy false; '),
        beginning('bucket payroll-evidence is created: force destroy false; object lock enabled true; '),
        beginning(
          'the role of the jobs is created: assume role policy allows Service batchoperations.s3.amazonaws.com: ',
        ),
        beginning('the policy of the role of the jobs is created: '),
        'the object lock of bucket payroll-evidence is created: object lock enabled Enabled; days 400; mode COMPLIANCE',
        'the public access block of bucket payroll.data is created: block public acls true; block public policy true; ignore public acls true; restrict public buckets true',
        'the versioning of bucket payroll.data is created: status Enabled',
        `the default of bucket payroll-legacy is set to v1 (Enabled, ${keyArn('v1')}); the plan does not show the default that it replaces: algorithm aws:kms; bucket key true`,
        `alias alias/payroll is set to v1 (Enabled, ${keyArn('v1')})`,
        `output active_key_arn becomes ${keyArn('v1')}`,
      ]),
    );
  });

  it('is quiet on the switch, and speaks on the way back unless that is called a rollback', async () => {
    const forward = recorded('switch');
    const switched = await review(SWITCHED, [forward]);
    expect(switched.findings).toEqual([]);
    const moved = `moves from v1 (Enabled, ${keyArn('v1')}) to v2 (Enabled, ${keyArn('v2')})`;
    expect(switched.plans.flatMap((one) => one.effects).map(plain)).toEqual(
      expect.arrayContaining([
        `the default of bucket payroll.data ${moved}`,
        `output active_key_arn ${keyArn('v1')} → ${keyArn('v2')}`,
        expect.stringMatching(/^the policy of the role of the jobs changes: policy no longer allows: /),
      ]),
    );
    expect((await review(SWITCHED, [recorded('unchanged keys'), forward])).findings).toEqual([]);
    const back = recorded('way back');
    const found = await review(TWO, [back]);
    expect([rulesIn(found), found.verdict]).toEqual([['KT023'], 'decide']);
    expect((await review(TWO, [back], { rollbackTo: 'v1' })).findings).toEqual([]);
    expect(rulesIn(await review(SWITCHED, [back]))).toContain('KT060');
  });

  it('refuses a switch to a disabled key when the guard was taken out, and tells of an alias that was moved by hand', async () => {
    const plan = recorded('unguarded switch');
    const found = await review(SWITCHED, [plan]);
    expect(rulesIn(found)).toEqual(['KT020', 'KT052', 'KT054']);
    const aws = [{ version: 'v2', arn: keyArn('v2'), state: 'Enabled' }];
    expect(rulesIn(await review(SWITCHED, [plan], { aws }))).toEqual(['KT052', 'KT054']);
  });

  /** Scenes in which somebody changed the stack by hand; `one target` was planned from the expected stack. */
  const edited = SCENE_NAMES.filter((name) => 'change' in SCENES[name]);

  it.each(SCENE_NAMES)(
    'compares the stack with what the rotation file implies, and names each edit: %s',
    async (name) => {
      const rotation = await parseRotation(SCENES[name].rotation, 'rotation.yaml', { now: new Date() });
      const found = await reviewRecorded(SCENES[name].rotation, [recorded(name)], { expected: expectedOf(rotation) });
      for (const rule of rulesIn(found)) fired.add(rule);
      expect(rulesIn(found).includes('KT061')).toBe(edited.includes(name));
      expect(rulesIn(found)).toContain('KT063');
    },
  );

  it('names the value that was edited, and the expected one', async () => {
    const rotation = await parseRotation(TWO, 'rotation.yaml', { now: new Date() });
    const found = await reviewRecorded(TWO, [recorded('weakened buckets')], { expected: expectedOf(rotation) });
    expect(message(found, 'KT061')).toEqual(
      expect.arrayContaining([
        'resource.aws_s3_bucket_versioning.bucket_payroll_data.versioning_configuration.status is "Suspended", expected "Enabled"',
        'resource.aws_s3_bucket_public_access_block.bucket_payroll_data.block_public_policy is false, expected true',
      ]),
    );
  });

  /** Rules that a plan of Terraform alone cannot break, or that need a key made by hand: their tests are in `__tests__/lib/review`. */
  const ELSEWHERE = [
    ...['KT006', 'KT007', 'KT025', 'KT026', 'KT027', 'KT047', 'KT056', 'KT057', 'KT058', 'KT062'],
    ...['KT080', 'KT081', 'KT082', 'KT083', 'KT084'],
  ];

  it('leaves no rule that never fired', () => {
    expect(reviewRules.map((rule) => rule.id).filter((id) => !fired.has(id))).toEqual(ELSEWHERE);
  });
});
