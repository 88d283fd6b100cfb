import fc from 'fast-check';
import type { Review } from '../../../lib/review/review';
import { plain } from '../../../lib/review/review-messages';
import { bucketsListedByS3 } from '../../../lib/rotation/rotation';
import { batchRolePolicy, batchTrustPolicy } from '../../../stacks/batch-role-policy';
import { parse, textWith } from '../rotation/rotation-texts';
import { planText, reviewText } from './plan-texts';

const ACCOUNT = '111122223333';
const key = (version: number) =>
  `arn:aws:kms:ap-northeast-1:${ACCOUNT}:key/0000000${version}-0000-4000-8000-000000000000`;

/** Rotation `test` with jobs, v2 active, and both keys adopted, so that the file itself names them. */
const file = (reencrypt: Record<string, unknown> = {}, batch: Record<string, unknown> = {}) => ({
  account: ACCOUNT,
  keyVersions: [
    { name: 'v1', keyArn: key(1) },
    { name: 'v2', keyArn: key(2) },
  ],
  activeVersion: 'v2',
  reencrypt: { engine: 'batch', batch: { bucket: 'test-jobs', ...batch }, ...reencrypt },
});

const settings = fc.record({
  method: fc.constantFrom('rewrap', 'rewrite'),
  engine: fc.constantFrom('batch', 'auto'),
  manifest: fc.constantFrom('auto', 'listed'),
  verify: fc.constantFrom('heads', 'manifest'),
});

interface Loose {
  Statement: {
    Sid?: string;
    Effect: string;
    Action: string[];
    Resource?: string | string[];
    [more: string]: unknown;
  }[];
}

interface Given {
  readonly trust?: (trust: Loose) => void;
  readonly policy?: (policy: Loose) => void;
  readonly role?: Record<string, unknown>;
  readonly before?: Record<string, unknown>;
  readonly unknown?: Record<string, unknown>;
}

/** Reviews a plan that declares the role as the stack does, changed by hand. */
async function reviewed(given: Given, rotation: Record<string, unknown> = file()): Promise<Review> {
  const parsed = await parse(textWith(rotation));
  const policy = batchRolePolicy({
    partition: 'aws',
    region: parsed.region,
    method: parsed.reencrypt.method,
    buckets: parsed.buckets.map(({ name }) => name),
    listedByS3: bucketsListedByS3(parsed),
    store: { bucket: 'test-jobs', prefix: 'keyturn/test/' },
    oldKeys: [key(1)],
    newKey: key(2),
  });
  const changed = (from: unknown, change: (loose: Loose) => void = () => {}): string => {
    const loose = structuredClone(from) as Loose;
    change(loose);
    return JSON.stringify(loose);
  };
  const change = (type: string, after: Record<string, unknown>) => ({
    address: `${type}.batch`,
    mode: 'managed',
    type,
    provider_name: 'registry.terraform.io/hashicorp/aws',
    change: {
      actions: given.before ? ['update'] : ['create'],
      before: given.before ?? null,
      after,
      after_unknown: given.unknown ?? {},
    },
  });
  const plan = planText([
    change('aws_iam_role', {
      name: 'keyturn-test-batch',
      assume_role_policy: changed(batchTrustPolicy(ACCOUNT), given.trust),
      ...given.role,
    }),
    change('aws_iam_role_policy', { role: 'keyturn-test-batch', policy: changed(policy, given.policy) }),
  ]);
  return reviewText(plan, {}, rotation);
}

const message = ({ findings }: Review, rule: string) =>
  findings.filter((one) => one.rule === rule).map((one) => plain(one.message));
const statement = ({ Statement }: Loose, sid: string) => {
  const found = Statement.find(({ Sid }) => Sid === sid);
  if (!found) throw new Error(`no statement ${sid}`);
  return found;
};

describe('the role as the stack declares it', () => {
  it('is no finding, whatever the file asks of the jobs', () =>
    fc.assert(
      fc.asyncProperty(settings, async ({ method, engine, ...batch }) => {
        const found = await reviewed(
          {},
          file({ method, engine, batch: { bucket: 'test-jobs', noConcurrentWrites: true, ...batch } }),
        );
        expect([message(found, 'KT045'), message(found, 'KT046')]).toEqual([[], []]);
      }),
    ));

  it('is a finding once any statement has an action or a resource more', () => {
    const action = fc.constantFrom(
      's3:DeleteObject',
      's3:*',
      '*',
      'kms:*',
      'kms:CreateGrant',
      's3:PutBucketPolicy',
      'iam:PassRole',
    );
    const resource = fc.constantFrom(
      '*',
      'arn:aws:s3:::*',
      'arn:aws:s3:::elsewhere/*',
      'arn:aws:s3:::test-jobs/*',
      `${key(1)}*`,
      key(3),
    );
    const more = fc.oneof(
      action.map((Action) => ({ Action })),
      resource.map((Resource) => ({ Resource })),
    );
    return fc.assert(
      fc.asyncProperty(settings, fc.nat(), more, async ({ method, engine, ...batch }, at, added) => {
        const found = await reviewed(
          {
            policy: ({ Statement }) => {
              const one = Statement[at % Statement.length];
              if (one && 'Action' in added) one.Action.push(added.Action);
              if (one && 'Resource' in added) one.Resource = [one.Resource ?? [], added.Resource].flat();
            },
          },
          file({ method, engine, batch: { bucket: 'test-jobs', noConcurrentWrites: true, ...batch } }),
        );
        expect(message(found, 'KT045')).not.toEqual([]);
      }),
    );
  });
});

describe('the policy of the role', () => {
  it('may not overwrite objects that it moves by rewrap', async () => {
    const found = await reviewed({
      policy: (policy) => statement(policy, 'MoveObjects').Action.push('s3:PutObject'),
    });
    expect(message(found, 'KT045')).toEqual([expect.stringContaining('the role may s3:PutObject')]);
  });

  it('may not use a key but through S3 of the Region', async () => {
    const bare = await reviewed({ policy: (policy) => delete statement(policy, 'UseNewKey').Condition });
    expect(message(bare, 'KT045')).toEqual([expect.stringContaining(`on ${key(2)}`)]);
    const elsewhere = await reviewed({
      policy: (policy) => {
        statement(policy, 'LeaveOldKeys').Condition = {
          StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' },
        };
      },
    });
    expect(message(elsewhere, 'KT045')).toEqual([`the role may kms:Decrypt, kms:ReEncryptFrom on ${key(1)}`]);
  });

  it('may not write under a key that is left', async () => {
    const found = await reviewed({
      policy: (policy) => statement(policy, 'LeaveOldKeys').Action.push('kms:GenerateDataKey'),
    });
    expect(message(found, 'KT045')).toEqual([`the role may kms:GenerateDataKey on ${key(1)}`]);
  });

  it('may deny whatever it likes', async () => {
    const found = await reviewed({
      policy: ({ Statement }) => Statement.push({ Effect: 'Deny', Action: ['s3:*'], Resource: '*' }),
    });
    expect(message(found, 'KT045')).toEqual([]);
  });

  it('cannot be reviewed with statements that invert their meaning, or before it is known', async () => {
    const inverted = await reviewed({
      policy: ({ Statement }) => Statement.push({ Effect: 'Allow', NotAction: 's3:Get*', Resource: '*' } as never),
    });
    expect(message(inverted, 'KT046')).toEqual(['the policy of the role holds 1 statement(s) that are not understood']);
    const unknown = await reviewed({ unknown: { policy: true } });
    expect(message(unknown, 'KT046')).toEqual(['the policy of the role is known only after the apply']);
  });
});

describe('the trust of the role', () => {
  it.each<[string, unknown, string]>([
    ['a person', { AWS: `arn:aws:iam::${ACCOUNT}:role/app` }, `AWS: arn:aws:iam::${ACCOUNT}:role/app`],
    ['everybody', '*', '*'],
    [
      'another service',
      { Service: ['batchoperations.s3.amazonaws.com', 'lambda.amazonaws.com'] },
      'lambda.amazonaws.com',
    ],
  ])('may not let %s in', async (_name, Principal, shown) => {
    const found = await reviewed({
      trust: ({ Statement }) => {
        if (Statement[0]) Statement[0].Principal = Principal;
      },
    });
    expect(message(found, 'KT045')).toEqual([`the role can be assumed by ${shown}`]);
  });

  it('may not be loosed from the account', async () => {
    const loose = await reviewed({ trust: ({ Statement }) => delete Statement[0]?.Condition });
    expect(message(loose, 'KT045')).toEqual(["the role's trust is not bound to this account: no aws:SourceAccount"]);
    const other = await reviewed({
      trust: ({ Statement }) => {
        if (Statement[0]) Statement[0].Condition = { StringEquals: { 'aws:SourceAccount': '999988887777' } };
      },
    });
    expect(message(other, 'KT045')).toEqual(["the role's trust is not bound to this account: 999988887777"]);
  });

  it('may not come with policies of somebody else’s, nor lose its boundary', async () => {
    const found = await reviewed({
      before: { permissions_boundary: 'arn:aws:iam::aws:policy/PowerUserAccess', managed_policy_arns: [] },
      role: { managed_policy_arns: ['arn:aws:iam::aws:policy/AdministratorAccess'], permissions_boundary: '' },
    });
    expect(message(found, 'KT045')).toEqual([
      'the role is given managed_policy_arns of its own: 1',
      'its permissions boundary is removed',
    ]);
  });
});

it('a role that the file does not declare is a difference from the file', async () => {
  const found = await reviewed({}, { account: ACCOUNT });
  expect(message(found, 'KT060')).toEqual(
    expect.arrayContaining(['the role of the jobs is in the plan but not declared in the file']),
  );
});
