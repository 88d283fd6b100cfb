import { findingLine } from '../../../lib/review/finding-line';
import { words } from '../../../lib/review/review-messages';
import { reviewSarif } from '../../../lib/review/review-sarif';
import { reviewRules } from '../../../lib/review/rules';
import { keyChange, planText, reviewText } from './plan-texts';

interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly locations: readonly {
    readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
    readonly logicalLocations?: readonly { readonly fullyQualifiedName: string }[];
  }[];
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly suppressions?: readonly { readonly justification: string }[];
}
interface Log {
  readonly version: string;
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly Result[];
    },
  ];
}

const ROTATION = `name: logs
alias: alias/logs
keyVersions:
  - name: v1
  - { name: v2, materialValidTo: 2027-01-01T00:00:00Z }
activeVersion: v2
buckets:
  - name: archive
  - name: "logs.example"
reencrypt:
  batch:
    priority: 2
`;

const foreign = (name: string) => ({ ...keyChange(), address: `aws_s3_bucket.${name}`, type: 'aws_s3_bucket' });
const PLAN = planText([keyChange(), foreign('a'), foreign('b')], { errored: true });

const sarif = async (more: Parameters<typeof reviewText>[1] = {}, rotation = {}): Promise<Log> =>
  JSON.parse(reviewSarif(await reviewText(PLAN, more, rotation))) as Log;

describe('the review as SARIF', () => {
  it('names every rule, and each result by its rule', async () => {
    const { version, runs } = await sarif();
    const [{ tool, results }] = runs;
    expect(version).toBe('2.1.0');
    expect(tool.driver.rules.map((rule) => rule.id)).toEqual(reviewRules.map((rule) => rule.id));
    expect(results.map((one) => tool.driver.rules[one.ruleIndex]?.id)).toEqual(results.map((one) => one.ruleId));
    expect(results.map((one) => one.ruleId)).toEqual(['KT053', 'KT070', 'KT070']);
    expect(new Set(results.map((one) => one.level))).toEqual(new Set(['error']));
  });

  it('places each result on the rotation file, by a URI, and on its address', async () => {
    const { runs } = await sarif({ rotationFile: 'envs/a b#1/rotation.yaml' });
    const [first, second] = runs[0].results;
    expect(first?.locations[0]?.physicalLocation.artifactLocation.uri).toBe('envs/a%20b%231/rotation.yaml');
    expect(first?.locations[0]?.logicalLocations).toBeUndefined();
    expect(second?.locations[0]?.logicalLocations?.[0]?.fullyQualifiedName).toBe('aws_s3_bucket.a');
  });

  it('names its version and where it is described, and each rule by an id and a name that differ', async () => {
    const tool = { version: '1.2.3', rotationText: '' };
    const { driver } = JSON.parse(reviewSarif(await reviewText(PLAN), tool)).runs[0].tool;
    expect(driver).toMatchObject({
      version: '1.2.3',
      semanticVersion: '1.2.3',
      informationUri: expect.stringMatching(/^urn:[a-z]/),
    });
    const names = driver.rules.map(({ name }: { name: string }) => name);
    expect(names.filter((name: string) => !/^[A-Z][A-Za-z0-9]+$/.test(name))).toEqual([]);
    expect(driver.rules.filter(({ id, name }: { id: string; name: string }) => id === name)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([
    ['aws_kms_external_key.version_v2', 5],
    ['aws_cloudwatch_metric_alarm.version_v2_expires_30d', 5],
    ['aws_kms_alias.main', 6],
    ['aws_s3_bucket_versioning.bucket_logs_example', 9],
    ['aws_s3_bucket.batch', 11],
    ['aws_s3_bucket.stranger', 1],
    ['aws_kms_external_key.version_v9', 1],
  ])('places %s at line %d of the rotation file', (address, line) => {
    expect(findingLine(ROTATION, { address, message: [] })).toBe(line);
  });

  it('places a finding of the rotation file at its field', () => {
    const message = words`${'reencrypt.batch.priority'}: ${'1'} → ${'2'}`;
    expect(findingLine(ROTATION, { address: undefined, message })).toBe(12);
  });

  it('gives each result a fingerprint of its own, the same in every run', async () => {
    const prints = async () => (await sarif()).runs[0].results.map((one) => Object.values(one.partialFingerprints)[0]);
    const [once, again] = [await prints(), await prints()];
    expect(new Set(once).size).toBe(3);
    expect(again).toEqual(once);
  });

  it('keeps what is waived as a suppressed result with its reason', async () => {
    const waivers = [{ rule: 'KT070', address: 'aws_s3_bucket.a', reason: 'moved out next week', until: '2026-12-31' }];
    const { runs } = await sarif({}, { review: { waivers } });
    const suppressed = runs[0].results.filter((one) => one.suppressions);
    expect(suppressed.map((one) => one.suppressions?.[0]?.justification)).toEqual([
      'moved out next week (until 2026-12-31)',
    ]);
  });
});
