import type { Diagnostic } from '../../../lib/terraform/diagnostics';
import { errorsIn, lastLines } from '../../../lib/terraform/diagnostics';
import { asFailure } from '../../../lib/terraform/terraform-failure';

const failed = (...diagnostics: readonly Partial<Diagnostic>[]) =>
  asFailure({
    command: 'plan',
    stack: 'payroll-storage',
    directory: '/w/cdktf.out/stacks/payroll-storage',
    exit: 1,
    diagnostics: diagnostics.map((one) => ({ severity: 'error', summary: '', detail: '', ...one })),
    lastLines: '',
  });

/** As Terraform 1.11.4 with AWS provider 5.100.0 worded them. */
const provider = (rest: string): Partial<Diagnostic> => ({
  summary: `Retrieving AWS account details: validating provider credentials: retrieving caller identity from STS: operation error STS: GetCallerIdentity, ${rest}`,
  address: 'provider["registry.terraform.io/hashicorp/aws"]',
});

describe('the guard', () => {
  const refusal = {
    summary: 'Resource precondition failed',
    detail:
      'keyturn guard: key version v1 (alias/payroll/v1) is PendingImport, not Enabled: import its material with "npx keyturn pre-apply", then plan again.',
  };

  it('is reported once for any number of resources', () => {
    expect(failed(refusal, refusal)).toMatchObject({
      code: 'terraform-guard',
      exitCode: 4,
      facts: { refusals: [expect.stringMatching(/^key version v1 .* is PendingImport, not Enabled/)] },
      hint: 'run `npx keyturn pre-apply`, then plan again',
    });
  });

  it('is reported even if the key version is not declared yet, with both next steps', () => {
    const missing = {
      summary: "reading KMS Key (alias/payroll/v1): couldn't find resource",
      address: 'data.aws_kms_key.after_payroll-keys_and_keyturn_pre-apply',
    };
    const error = failed(missing);
    expect(error).toMatchObject({ code: 'terraform-guard', exitCode: 4 });
    expect(error.hint).toMatch(/cdktf deploy payroll-keys.*pre-apply/);
  });
});

it('reports who holds a locked state, since when, and does not unlock it', () => {
  const detail = `Error message: resource temporarily unavailable
Lock Info:
  ID:        6d3f1d0a-5a0e-8e2f-7d0f-1d5a3c5f0b1e
  Path:      ../../../terraform.payroll-storage.tfstate
  Operation: OperationTypeApply
  Who:       ann@build-7
  Version:   1.11.4
  Created:   2026-11-24 13:00:00.5 +0000 UTC
  Info:      

Terraform acquires a state lock to protect the state from being written
by multiple users at the same time.`;
  expect(failed({ summary: 'Error acquiring the state lock', detail })).toMatchObject({
    code: 'terraform-state-locked',
    facts: {
      who: 'ann@build-7',
      since: '2026-11-24 13:00:00.5 +0000 UTC',
      operation: 'OperationTypeApply',
      id: '6d3f1d0a-5a0e-8e2f-7d0f-1d5a3c5f0b1e',
    },
  });
});

it('reports a lock that may not be written as the missing permission, not as a locked state', () => {
  const detail = `Error message: operation error S3: PutObject, https response error StatusCode: 403, RequestID: 7F1, HostID: x, api error AccessDenied: User: arn:aws:sts::123456789012:assumed-role/plan/ci is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::state/keyturn/payroll-keys.tfstate.tflock"

Terraform acquires a state lock to protect the state from being written
by multiple users at the same time.`;
  expect(failed({ summary: 'Error acquiring the state lock', detail })).toMatchObject({
    code: 'aws-access-denied',
    facts: { action: 's3:PutObject' },
  });
});

it('reports a state that may not be read as the missing permission: S3 answers HEAD with Forbidden', () => {
  const summary = String.raw`error loading state: Unable to access object \"keyturn/payroll-keys.tfstate\" in S3 bucket \"states\": operation error S3: HeadObject, https response error StatusCode: 403, RequestID: 5e6e, HostID: v+l, api error Forbidden: Forbidden`;
  expect(failed({ summary })).toMatchObject({
    code: 'aws-access-denied',
    exitCode: 77,
    facts: { action: 's3:GetObject', resource: 'states/keyturn/payroll-keys.tfstate' },
  });
});

it('reports a lock that somebody holds as such, also where its object may not be read', () => {
  const detail = `Error message: operation error S3: PutObject, https response error StatusCode: 412, RequestID: 7F1, HostID: x, api error PreconditionFailed: At least one of the pre-conditions you specified did not hold
Unable to retrieve file from S3 bucket 'state': operation error S3: GetObject, https response error StatusCode: 403, RequestID: 7F2, api error AccessDenied: Access Denied`;
  expect(failed({ summary: 'Error acquiring the state lock', detail })).toMatchObject({
    code: 'terraform-state-locked',
  });
});

it('reports a stale plan', () => {
  expect(failed({ summary: 'Saved plan is stale' })).toMatchObject({ code: 'terraform-plan-stale' });
});

it('explains how to continue after an interrupted creation', () => {
  const detail =
    'Resource aws_kms_external_key.version_v1 has lifecycle.prevent_destroy set, but the plan calls for this resource to be destroyed. To avoid this error …';
  expect(failed({ summary: 'Instance cannot be destroyed', detail })).toMatchObject({
    code: 'terraform-destroys',
    exitCode: 4,
    facts: { addresses: ['aws_kms_external_key.version_v1'] },
    hint: expect.stringContaining(
      'terraform untaint aws_kms_external_key.version_v1 in /w/cdktf.out/stacks/payroll-storage',
    ),
  });
});

describe('what AWS refuses', () => {
  it('names the action that AWS names', () => {
    const summary =
      'creating KMS External Key: operation error KMS: CreateKey, https response error StatusCode: 400, RequestID: 1b2c, api error AccessDeniedException: User: arn:aws:iam::111122223333:user/ann is not authorized to perform: kms:TagResource on resource: arn:aws:kms:x:y:key/* because no identity-based policy allows it';
    expect(failed({ summary, address: 'aws_kms_external_key.version_v1' })).toMatchObject({
      code: 'aws-access-denied',
      exitCode: 77,
      facts: { action: 'kms:TagResource', resource: 'arn:aws:kms:x:y:key/*', requestId: '1b2c' },
    });
  });

  it.each([
    ['PutBucketEncryption', 's3:PutEncryptionConfiguration'],
    ['PutPublicAccessBlock', 's3:PutBucketPublicAccessBlock'],
    ['HeadBucket', 's3:ListBucket'],
    ['PutBucketVersioning', 's3:PutBucketVersioning'],
  ])('names the IAM action of S3’s %s where S3 says only Access Denied', (operation, action) => {
    const summary = `updating bucket: operation error S3: ${operation}, https response error StatusCode: 403, RequestID: R1, HostID: h, api error AccessDenied: Access Denied`;
    expect(failed({ summary, address: 'aws_s3_bucket.bucket_a' })).toMatchObject({
      code: 'aws-access-denied',
      facts: { action, resource: 'aws_s3_bucket.bucket_a' },
    });
  });

  it('distinguishes expired, wrong and missing credentials', () => {
    const code = (rest: string) => failed(provider(`https response error StatusCode: 403, RequestID: R, ${rest}`)).code;
    expect(code('api error ExpiredToken: The security token included in the request is expired')).toBe(
      'aws-credentials-expired',
    );
    expect(code('api error SignatureDoesNotMatch: The request signature we calculated does not match.')).toBe(
      'aws-credentials-rejected',
    );
    expect(code('api error InvalidClientTokenId: The security token included in the request is invalid.')).toBe(
      'aws-credentials-rejected',
    );
    expect(failed({ summary: 'No valid credential sources found', detail: 'Please see …' }).code).toBe(
      'aws-credentials-missing',
    );
  });

  it('names the endpoint that it cannot reach', () => {
    const rest =
      'exceeded maximum number of attempts, 9, https response error StatusCode: 0, RequestID: , request send failed, Post "http://127.0.0.1:9/": dial tcp 127.0.0.1:9: connect: connection refused';
    expect(failed(provider(rest))).toMatchObject({
      code: 'aws-endpoint-unreachable',
      facts: { action: 'sts:GetCallerIdentity', url: 'http://127.0.0.1:9' },
    });
  });
});

it('hands any other failure on in Terraform’s own words', () => {
  expect(failed({ summary: 'Unsupported argument', detail: 'An argument named "x" …', address: 'a.b' })).toMatchObject({
    code: 'terraform-failed',
    exitCode: 1,
    facts: {
      command: 'plan',
      stack: 'payroll-storage',
      exit: 1,
      reported: 'a.b: Unsupported argument: An argument named "x" …',
    },
  });
});

describe('Terraform’s output', () => {
  it('gives its errors, and passes over warnings and lines that are no JSON', () => {
    const line = (severity: string) =>
      JSON.stringify({ type: 'diagnostic', diagnostic: { severity, summary: severity } });
    const output = [
      'Warning: Unable to open CLI configuration file',
      '{not json',
      line('warning'),
      line('error'),
      '{"type":"log"}',
    ];
    expect(errorsIn(output.join('\n'))).toEqual([{ severity: 'error', summary: 'error', detail: '' }]);
  });

  it('is shown without its boxes, its last lines only', () => {
    expect(lastLines('a\n╷\n│ Error: b\n│ \n│   c\n╵\n', 2)).toBe('Error: b\n  c');
  });
});
