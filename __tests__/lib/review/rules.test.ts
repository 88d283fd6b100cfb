import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isOwnData, isOwnOutput, isOwnResource } from '../../../lib/review/own-addresses';
import { plain } from '../../../lib/review/review-messages';
import { reviewRules } from '../../../lib/review/rules';
import { rulesTable } from '../../../lib/review/rules-table';
import { AWS_PROVIDER_VERSION } from '../../../lib/rotation/provider-version';
import { ADOPTED_ARN, bucket, rotation, synthesized, version } from '../../stacks/synthesized';
import { keyChange, planText, reviewText } from './plan-texts';

const read = (file: string) => readFileSync(path.join(__dirname, '../../..', file), 'utf8');

describe('the rules', () => {
  it('have ids that are theirs alone, in order', () => {
    const ids = reviewRules.map((rule) => rule.id);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids.filter((id) => !/^KT\d{3}$/.test(id))).toEqual([]);
  });

  it('are the table of docs/plan-review.md', () => {
    const table = read('docs/plan-review.md').split('<!-- rules:begin -->\n')[1]?.split('<!-- rules:end -->')[0];
    expect(table).toBe(rulesTable());
  });

  it('say each in a sentence why it is there and what to do', () => {
    for (const { why, next, title } of reviewRules) {
      expect([why, next].filter((text) => !/^\S.*[.]$/.test(text) || text.includes('|'))).toEqual([]);
      expect(title).not.toMatch(/\.$/);
    }
  });
});

describe('KT006, something that exists already is created', () => {
  const arn = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-4333-8444-555555555555';
  const existing = [
    {
      address: 'aws_kms_external_key.version_v1',
      kind: 'key',
      name: 'v1',
      keyArn: arn,
      state: 'PendingDeletion',
      deletionDate: new Date('2026-12-01T00:00:00Z'),
    },
  ] as const;

  it('refuses a new key for a version whose alias names one, in whatever state, and cannot be waived', async () => {
    const waiver = { rule: 'KT006', reason: 'we know what we are doing', until: '2027-01-01' };
    const waived = { review: { waivers: [waiver] } };
    const review = await reviewText(planText([keyChange()]), { existing }, waived);
    expect(review.verdict).toBe('refused');
    const [finding] = review.findings.filter(({ rule }) => rule === 'KT006');
    expect(plain(finding?.message ?? [])).toMatch(
      /names key \S+ already \(PendingDeletion, to be deleted on 2026-12-01.*cancel-key-deletion/,
    );
  });

  it('lets a plan pass that keeps the key', async () => {
    const kept = { change: { actions: ['no-op'], before: { arn }, after: { arn }, after_unknown: {} } };
    const review = await reviewText(planText([keyChange({}, kept)]), { existing });
    expect(review.findings.filter(({ rule }) => rule === 'KT006')).toEqual([]);
  });
});

describe("a rotation's own resources", () => {
  const all = synthesized(
    rotation({
      keyVersions: [
        version('v1', { disabled: true }),
        version('v1b'),
        version('v2', { materialValidTo: new Date('2027-01-01T00:00:00Z') }),
        version('old-1', { keyArn: ADOPTED_ARN }),
      ],
      activeVersion: 'v2',
      buckets: [bucket('logs.example'), bucket('legacy', { manage: 'encryption' })],
      reencrypt: {
        method: 'rewrap',
        from: [],
        engine: 'batch',
        batch: {
          bucket: 'jobs',
          manage: 'bucket',
          fromVersions: 1,
          manifest: 'auto',
          verify: 'heads',
          priority: 0,
          noConcurrentWrites: false,
        },
      },
      evidence: { bucket: { name: 'evidence', retention: { mode: 'GOVERNANCE', days: 1 } } },
      expiry: { alarmTopicArn: 'arn:aws:sns:ap-northeast-1:111122223333:topic', warnDays: [30] },
    }),
  );

  it.each(['keys', 'storage'] as const)('are all that the %s stack declares', (stack) => {
    const addresses = Object.entries(all[stack].resource ?? {}).flatMap(([type, named]) =>
      Object.keys(named ?? {}).map((name) => `${type}.${name}`),
    );
    expect(addresses.length).toBeGreaterThan(3);
    expect(addresses.filter((address) => !isOwnResource(address, stack))).toEqual([]);
    const other = stack === 'keys' ? 'storage' : 'keys';
    expect(addresses.filter((address) => isOwnResource(address, other))).toEqual([]);
  });

  it.each(['keys', 'storage'] as const)('are read and given out by the %s stack under their own names', (stack) => {
    const data = Object.entries(all[stack].data ?? {}).flatMap(([type, named]) =>
      Object.keys(named ?? {}).map((name) => `data.${type}.${name}`),
    );
    expect(data.filter((address) => !isOwnData(address))).toEqual([]);
    expect(Object.keys(all[stack].output ?? {}).filter((name) => !isOwnOutput(name))).toEqual([]);
  });

  it.each(['aws_s3_bucket.elsewhere', 'module.x.aws_kms_alias.main', 'aws_kms_key.version_v1', 'aws_iam_role.main'])(
    'are not %s',
    (address) => expect(isOwnResource(address, 'both')).toBe(false),
  );
});

describe('the provider', () => {
  const requiring = (version_constraint?: string): string =>
    planText([keyChange()], {
      configuration: {
        provider_config: {
          aws: {
            name: 'aws',
            full_name: 'registry.terraform.io/hashicorp/aws',
            version_constraint,
            expressions: { region: { constant_value: rotation().region } },
          },
        },
      },
    });
  const reported = async (plan: string) =>
    (await reviewText(plan)).findings.filter(({ rule }) => rule === 'KT050').map(({ message }) => plain(message));

  it('is accepted in the version that both stacks require', async () => {
    for (const stack of Object.values(synthesized(rotation()))) {
      expect(stack.terraform?.required_providers?.aws).toMatchObject({ version: AWS_PROVIDER_VERSION });
    }
    expect(await reported(requiring(AWS_PROVIDER_VERSION))).toEqual([]);
  });

  it('is accepted as the rotation file widens it, and in no other range', async () => {
    const widened = { terraform: { awsProvider: '>= 5.100.0, < 6.22.0' } };
    const of = async (versions: string) =>
      (await reviewText(requiring(versions), {}, widened)).findings.filter(({ rule }) => rule === 'KT050');
    expect(await of('>= 5.100.0, < 6.22.0')).toEqual([]);
    expect(await of('>= 5.100.0, < 6.23.0')).toHaveLength(1);
    expect(await of(AWS_PROVIDER_VERSION)).toHaveLength(1);
  });

  it('acts by the profile and the role of the rotation file, and by no other', async () => {
    const roleArn = 'arn:aws:iam::111122223333:role/keyturn';
    const by = (more: Record<string, unknown>): string => {
      const expressions = { region: { constant_value: rotation().region }, ...more };
      const aws = { name: 'aws', full_name: 'registry.terraform.io/hashicorp/aws', expressions };
      const provider_config = { aws: { ...aws, version_constraint: AWS_PROVIDER_VERSION } };
      return planText([keyChange()], { configuration: { provider_config } });
    };
    const of = async (plan: string, aws?: unknown) =>
      (await reviewText(plan, {}, aws === undefined ? {} : { aws })).findings
        .filter(({ rule }) => rule === 'KT050')
        .map(({ message }) => plain(message));
    const constant = (constant_value: string) => ({ constant_value });
    const role = (arn: string) => [{ role_arn: constant(arn), session_name: constant('keyturn-test') }];
    const declared = { profile: 'team', assumeRole: { roleArn } };
    expect(await of(by({ profile: constant('team'), assume_role: role(roleArn) }), declared)).toEqual([]);
    expect(await of(by({ assume_role: role(`${roleArn}-2`) }), declared)).toEqual([
      "the provider's profile is not that of the rotation file",
      "the provider's assume_role is not that of the rotation file",
    ]);
    expect(await of(by({ profile: constant('team') }))).toEqual([
      "the provider's profile is not that of the rotation file",
    ]);
    const tagged = by({ default_tags: [{ tags: { constant_value: { team: 'ledger' } } }] });
    expect(await of(tagged, { defaultTags: { team: 'ledger' } })).toEqual([]);
    for (const defaultTags of [{ team: 'other' }, {}, undefined])
      expect(await of(tagged, { defaultTags })).toEqual([
        "the provider's default_tags is not that of the rotation file",
      ]);
    const chained = [...role(roleArn), ...role(`${roleArn}-2`)];
    expect(await of(by({ profile: constant('team'), assume_role: chained }), declared)).toHaveLength(1);
  });

  it.each(['>= 5.100.0, < 7.0.0', '~> 5.100.0', '6.23.0', undefined])('is refused in another: %s', async (versions) => {
    const found = versions ?? '(any)';
    expect(await reported(requiring(versions))).toEqual([`the provider's versions are ${found}, not 5.100.0`]);
  });
});
