import { actionsFor, POLICY_NAMES, setsFor } from '../../../lib/permissions/command-permissions';
import { LARGEST_POLICY, type PolicyStatement, policyDocument } from '../../../lib/permissions/policy-document';
import { parseRotation } from '../../../lib/rotation/rotation-file';

const ACCOUNT = '111122223333';
const ADOPTED = 'arn:aws:kms:ap-northeast-1:999988887777:key/11111111-2222-3333-4444-555555555555';

const rotationOf = (more = '', versions = '[{ name: v1 }, { name: v2 }]') =>
  parseRotation(
    `name: photos
region: ap-northeast-1
alias: alias/photos
keyVersions: ${versions}
activeVersion: v2
buckets: [{ name: photos-owned, manage: bucket }, { name: photos-adopted, manage: encryption }]
${more}`,
    '/somewhere/rotation.yaml',
    { now: new Date('2026-11-24T00:00:00Z') },
  );

const statement = (document: { readonly Statement: readonly PolicyStatement[] }, sid: string) =>
  document.Statement.find(({ Sid }) => Sid === sid);

/** Jobs and a bucket for evidence, which bring actions of their own. */
const SERVED = `reencrypt: { engine: batch, batch: { bucket: photos-jobs, verify: manifest } }
evidence: { bucket: { name: photos-evidence } }
`;

describe.each(
  POLICY_NAMES.flatMap(
    (name) =>
      [
        [name, 'a plain rotation', ''],
        [name, 'a rotation with jobs and kept evidence', SERVED],
      ] as const,
  ),
)('the policy for %s of %s', (name, _what, more) => {
  it('grants exactly the listed actions, no wildcard among them', async () => {
    const rotation = await rotationOf(more);
    const { Statement } = policyDocument([name], rotation, ACCOUNT);
    expect([...new Set(Statement.flatMap(({ Action }) => Action))].sort()).toEqual(actionsFor(name, rotation));
    expect(Statement.flatMap(({ Action }) => Action).filter((action) => action.includes('*'))).toEqual([]);
  });

  it('names every statement once, in letters and digits, as IAM takes it', async () => {
    const sids = policyDocument([name], await rotationOf(more), ACCOUNT).Statement.map(({ Sid }) => Sid);
    expect(new Set(sids).size).toBe(sids.length);
    expect(sids.filter((sid) => !/^[A-Za-z0-9]+$/.test(sid))).toEqual([]);
  });

  it('reaches beyond this rotation only where an action names no resource, or a tag says whose the key is', async () => {
    const { Statement } = policyDocument([name], await rotationOf(more), ACCOUNT);
    const wide = Statement.filter(({ Resource, Condition }) => Resource === '*' && Condition === undefined);
    const listing = {
      plan: ['kms:ListAliases'],
      // Who used a key that a switch leaves: CloudTrail names no resource.
      terraform: ['kms:ListAliases', 'cloudtrail:LookupEvents'],
      rollback: ['kms:ListAliases'],
      // The gate looks for other users of a key: buckets are listed by account.
      'post-apply': [
        'kms:ListAliases',
        's3:ListAllMyBuckets',
        ...(more === '' ? [] : ['s3:ListJobs']),
        'cloudtrail:LookupEvents',
      ],
      reviewer: [
        'kms:ListAliases',
        'cloudtrail:LookupEvents',
        's3:ListAllMyBuckets',
        'iam:GetAccountAuthorizationDetails',
        'iam:SimulatePrincipalPolicy',
        ...(more === '' ? [] : ['s3:ListJobs']),
      ],
      'pre-apply': ['kms:ListAliases'],
    } as const;
    expect(wide.flatMap(({ Action }) => Action)).toEqual(listing[name]);
    const anyKey = Statement.filter(({ Resource }) =>
      [Resource].flat().some((one) => one === '*' || one.endsWith(':key/*')),
    );
    const bound = anyKey.filter(({ Condition }) =>
      /"aws:(Resource|Request)Tag\/keyturn:rotation":"photos"/.test(JSON.stringify(Condition)),
    );
    expect(anyKey.length - bound.length).toBe(wide.length);
  });

  it('fits into one managed policy', async () => {
    const document = policyDocument([name], await rotationOf(more), ACCOUNT);
    expect(JSON.stringify(document).length).toBeLessThan(LARGEST_POLICY);
  });

  it('never lets anybody delete a key, its material, a bucket or an object', () => {
    const destructive =
      /^(kms:(DeleteImportedKeyMaterial|ScheduleKeyDeletion|DeleteAlias)|s3:Delete(Bucket|ObjectVersion))/;
    expect(actionsFor(name).filter((action) => destructive.test(action))).toEqual([]);
  });
});

it('lets only the one who retires disable a key, and never Terraform', () => {
  expect(POLICY_NAMES.filter((name) => actionsFor(name).includes('kms:DisableKey'))).toEqual(['post-apply']);
});

it('gives a reviewer nothing that changes anything, and no key to read with', () => {
  expect(
    actionsFor('reviewer').filter(
      (action) =>
        !/^(kms:(Describe|List|GetKey(Policy|LastUsage)$)|s3:(Describe|Get|List)|cloudtrail:Lookup|iam:Get|iam:SimulatePrincipalPolicy$)/.test(
          action,
        ),
    ),
  ).toEqual([]);
});

it('gives a plan of unreviewed code nothing that changes anything, and no key but that of the state', async () => {
  const writes = actionsFor('plan').filter((action) => !/:(Describe|Get|List)/.test(action));
  expect(writes).toEqual(['kms:Decrypt']);
  expect(actionsFor('plan', await rotationOf())).not.toContain('kms:Decrypt');
});

it('reaches objects’ keys through S3 alone, and proves material under the proof’s context alone', async () => {
  const rotation = await rotationOf();
  const use = statement(policyDocument(['post-apply'], rotation, ACCOUNT), 'UseKeysThroughS3');
  expect(use?.Condition).toEqual({
    StringEquals: { 'aws:ResourceTag/keyturn:rotation': 'photos', 'kms:ViaService': 's3.ap-northeast-1.amazonaws.com' },
  });
  const proof = statement(policyDocument(['pre-apply'], rotation, ACCOUNT), 'ProveMaterial');
  expect(proof).toMatchObject({
    Resource: 'arn:aws:kms:ap-northeast-1:111122223333:key/*',
    Condition: {
      StringEquals: { 'aws:ResourceTag/keyturn:rotation': 'photos', 'kms:EncryptionContext:keyturn:proof': 'photos' },
    },
  });
});

it('names a taken-over key by its ARN beside the tag, which it has only after the first apply', async () => {
  const rotation = await rotationOf('', `[{ name: v1, takeOver: "${ADOPTED}" }, { name: v2 }]`);
  for (const [name, sid] of [
    ['terraform', 'KeepKeysAsDeclared'],
    ['terraform', 'CreateAliasesOfKeys'],
    ['post-apply', 'UseKeysThroughS3'],
  ] as const)
    expect(statement(policyDocument([name], rotation, ACCOUNT), `${sid}2`)?.Resource).toEqual([ADOPTED]);
});

it('names an adopted key by its ARN, and never lets anybody change it', async () => {
  const rotation = await rotationOf('', `[{ name: v1, keyArn: "${ADOPTED}" }, { name: v2 }]`);
  const { Statement } = policyDocument(POLICY_NAMES, rotation, ACCOUNT);
  const touching = Statement.filter(({ Resource }) => [Resource].flat().includes(ADOPTED));
  expect([...new Set(touching.flatMap(({ Action }) => Action))].sort()).toEqual([
    'kms:CreateAlias',
    'kms:Decrypt',
    'kms:DescribeKey',
    'kms:GetKeyLastUsage',
    'kms:GetKeyPolicy',
    'kms:ListGrants',
    'kms:ListResourceTags',
    'kms:ReEncryptFrom',
    'kms:UpdateAlias',
  ]);
});

it('asks for what the rotation declares and nothing else', async () => {
  const plain = actionsFor('terraform', await rotationOf());
  expect(plain.filter((action) => /^cloudwatch:|GetObject|DeleteObject/.test(action))).toEqual([]);
  const topic = 'arn:aws:sns:ap-northeast-1:111122223333:expiry';
  const alarmed = await rotationOf(`expiry: { alarmTopicArn: "${topic}" }`);
  expect(statement(policyDocument(['terraform'], alarmed, ACCOUNT), 'KeepAlarms')?.Resource).toBe(
    'arn:aws:cloudwatch:ap-northeast-1:111122223333:alarm:keyturn-photos-*',
  );
  const rewrite = actionsFor('post-apply', await rotationOf('reencrypt: { method: rewrite }'));
  expect(rewrite).toContain('s3:PutObjectAcl');
  expect(rewrite).not.toContain('s3:UpdateObjectEncryption');
});

describe('jobs of S3 Batch Operations', () => {
  const document = async () => policyDocument(POLICY_NAMES, await rotationOf(SERVED), ACCOUNT);
  const JOBS = 'arn:aws:s3:ap-northeast-1:111122223333:job/*';

  it('are created with the tag of this rotation, and steered by it, and no others are', async () => {
    const tagged = (kind: string) => ({ StringEquals: { [`aws:${kind}Tag/keyturn:rotation`]: 'photos' } });
    expect(statement(await document(), 'CreateJobs')).toMatchObject({ Resource: '*', Condition: tagged('Request') });
    expect(statement(await document(), 'SteerJobs')).toMatchObject({ Resource: JOBS, Condition: tagged('Resource') });
    expect(statement(await document(), 'TagJobs')).toMatchObject({
      Resource: JOBS,
      Condition: {
        ...tagged('Request'),
        StringEqualsIfExists: { 'aws:ResourceTag/keyturn:rotation': 'photos' },
      },
    });
  });

  it('get the one role, by way of S3 Batch Operations alone', async () => {
    expect(statement(await document(), 'HandRoleToJobs')).toEqual({
      Sid: 'HandRoleToJobs',
      Effect: 'Allow',
      Action: ['iam:PassRole'],
      Resource: 'arn:aws:iam::111122223333:role/keyturn-photos-batch',
      Condition: { StringEquals: { 'iam:PassedToService': 'batchoperations.s3.amazonaws.com' } },
    });
    const handing = POLICY_NAMES.filter((name) => actionsFor(name).includes('iam:PassRole'));
    expect(handing).toEqual(['post-apply']);
  });

  it('are told by their files under the rotation’s own prefix', async () => {
    const files = 'arn:aws:s3:::photos-jobs/keyturn/photos/';
    expect(statement(await document(), 'KeepManifests')?.Resource).toEqual([`${files}manifests*`]);
    expect(statement(await document(), 'ReadReports')?.Resource).toEqual([`${files}reports/*`]);
  });

  it('ask nothing of a rotation without them', async () => {
    const plain = await rotationOf();
    for (const name of POLICY_NAMES)
      expect(actionsFor(name, plain).join()).not.toMatch(
        /Job|iam:(?!GetAccountAuthorizationDetails|SimulatePrincipalPolicy)/,
      );
  });

  it('leave the role to Terraform, which may neither take it nor attach a policy to it', async () => {
    const roles = (await document()).Statement.filter(
      ({ Action, Sid }) => Sid !== 'ReadIamPolicies' && Action.some((one) => one.startsWith('iam:')),
    );
    expect([...new Set(roles.map(({ Resource }) => Resource))]).toEqual([
      'arn:aws:iam::111122223333:role/keyturn-photos-batch',
    ]);
    const actions = actionsFor('terraform').filter((action) => action.startsWith('iam:'));
    expect(actions.filter((action) => /Attach(?!ed)|Boundary|Delete|PassRole/.test(action))).toEqual([]);
  });
});

describe('the evidence bucket', () => {
  it('is added to by every command that leaves evidence, and nobody takes from it or shortens its lock', async () => {
    const rotation = await rotationOf(SERVED);
    const adding = POLICY_NAMES.filter((name) => statement(policyDocument([name], rotation, ACCOUNT), 'KeepEvidence'));
    expect(adding).toEqual(['pre-apply', 'post-apply', 'terraform', 'rollback']);
    const { Statement } = policyDocument(POLICY_NAMES, rotation, ACCOUNT);
    const reaching = Statement.filter(({ Resource }) => /photos-evidence\/|:::\*/.test([Resource].flat().join()));
    expect([...new Set(reaching.flatMap(({ Action }) => Action))].sort()).toEqual([
      // Of every bucket of the account.
      's3:GetEncryptionConfiguration',
      's3:GetObjectRetention',
      's3:GetObjectVersion',
      // Of every bucket of the account, too.
      's3:GetReplicationConfiguration',
      's3:PutObject',
    ]);
  });
});

it('keeps state apart: only locks may be deleted, and only this rotation’s state is in reach', async () => {
  const state = (kmsKeyId: string) =>
    rotationOf(`terraform: { backend: s3, s3: { bucket: tf-state, prefix: keyturn/, kmsKeyId: "${kmsKeyId}" } }`);
  const document = policyDocument(['terraform'], await state('alias/state'), ACCOUNT);
  expect(statement(document, 'KeepState')?.Resource).toEqual(['arn:aws:s3:::tf-state/keyturn/photos-*']);
  expect(statement(document, 'UnlockState')).toMatchObject({
    Action: ['s3:DeleteObject'],
    Resource: ['arn:aws:s3:::tf-state/keyturn/photos-*.tflock'],
  });
  expect(statement(document, 'SealState')).toMatchObject({
    Resource: 'arn:aws:kms:ap-northeast-1:111122223333:key/*',
    Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/state' } },
  });
});

it('joins several names into one policy, each statement once', async () => {
  const rotation = await rotationOf();
  const joined = policyDocument(['terraform', 'pre-apply', 'post-apply'], rotation, ACCOUNT);
  const names = ['terraform', 'pre-apply', 'post-apply'] as const;
  const sids = new Set(names.flatMap((name) => setsFor(name, rotation).map(({ sid }) => sid)));
  expect(joined.Statement).toHaveLength(sids.size);
});

it('speaks of the rotation’s partition', async () => {
  const text = `name: gov
region: us-gov-west-1
alias: alias/gov
keyVersions: [{ name: v1 }]
activeVersion: v1
buckets: [{ name: gov-bucket, manage: bucket }]
`;
  const rotation = await parseRotation(text, '/rotation.yaml', { now: new Date() });
  const { Statement } = policyDocument(POLICY_NAMES, rotation, ACCOUNT);
  const resources = Statement.flatMap(({ Resource }) => Resource).filter((one) => one !== '*');
  expect(resources.filter((one) => !one.startsWith('arn:aws-us-gov:'))).toEqual([]);
});

it('rewraps without s3:PutObject, and moves objects to keys of the rotation alone', async () => {
  const rotation = await rotationOf(`reencrypt: { from: ["${ADOPTED}"] }`);
  const { Statement } = policyDocument(['post-apply'], rotation, ACCOUNT);
  expect(statement({ Statement }, 'RewrapObjects')?.Action).toEqual([
    's3:UpdateObjectEncryption',
    's3:ListObjectAnnotations',
  ]);
  expect(Statement.filter(({ Action }) => Action.includes('s3:PutObject'))).toEqual([]);
  expect(statement({ Statement }, 'LeaveNamedKeys')).toMatchObject({
    Action: ['kms:Decrypt', 'kms:ReEncryptFrom'],
    Resource: [ADOPTED],
  });
  const to = Statement.filter(({ Action }) => Action.includes('kms:ReEncryptTo'));
  expect(to.map(({ Condition }) => Object.keys(Condition?.StringEquals ?? {}))).toEqual([
    ['aws:ResourceTag/keyturn:rotation', 'kms:ViaService'],
  ]);
});

it('asks for what a rewrite carries, and for every key where the sources are any', async () => {
  const rotation = await rotationOf('reencrypt: { method: rewrite, from: [any] }');
  const { Statement } = policyDocument(['post-apply'], rotation, ACCOUNT);
  const actions = actionsFor('post-apply', rotation);
  for (const action of [
    's3:GetObjectVersionTagging',
    's3:GetObjectLegalHold',
    's3:GetObjectRetention',
    's3:ListObjectAnnotations',
  ])
    expect(actions).toContain(action);
  expect(statement({ Statement }, 'LeaveNamedKeys')?.Resource).toEqual([expect.stringMatching(/:key\/\*$/)]);
});
