import { SignatureV4 } from '@smithy/signature-v4';
import type { LocalAws } from '../../../local-aws';
import { Sha256 } from '../../conformance/sha256';

const TRUST = {
  Effect: 'Allow',
  Principal: { Service: 'batchoperations.s3.amazonaws.com' },
  Action: 'sts:AssumeRole',
};

/** What a role may do when a test does not care. */
export const EVERYTHING = { Effect: 'Allow', Action: ['s3:*', 'kms:*'], Resource: '*' };

/** A call of IAM's query API. Rejects with the answer's body. */
export async function iam(aws: LocalAws, parameters: Readonly<Record<string, string>>): Promise<string> {
  const { hostname, port, host } = new URL(aws.url);
  const body = new URLSearchParams({ Version: '2010-05-08', ...parameters }).toString();
  const signer = new SignatureV4({
    service: 'iam',
    region: aws.region,
    credentials: aws.accessKey,
    sha256: Sha256,
  });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname,
    port: Number(port),
    path: '/',
    query: {},
    headers: { host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body,
  });
  const { host: _host, ...sent } = headers;
  const answer = await fetch(aws.url, { method: 'POST', headers: sent, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

export interface RoleOptions {
  /** Statements of the only inline policy; none for no policy. Default: {@link EVERYTHING}. */
  readonly may?: readonly object[];
  /** The statement of the trust policy. Default: S3 Batch Operations, without conditions. */
  readonly trust?: object;
}

/** Makes a role and answers its ARN. */
export async function newRole(aws: LocalAws, name: string, { may = [EVERYTHING], trust = TRUST }: RoleOptions = {}) {
  const document = (Statement: unknown) => JSON.stringify({ Version: '2012-10-17', Statement });
  await iam(aws, { Action: 'CreateRole', RoleName: name, AssumeRolePolicyDocument: document(trust) });
  if (may.length > 0) await permit(aws, name, may);
  return `arn:aws:iam::${aws.accountId}:role/${name}`;
}

/** Replaces the only inline policy of a role. */
export async function permit(aws: LocalAws, RoleName: string, Statement: readonly object[]): Promise<void> {
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam(aws, { Action: 'PutRolePolicy', RoleName, PolicyName: 'only', PolicyDocument });
}
