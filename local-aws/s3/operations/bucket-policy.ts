import type { AwsResponse } from '../../message';
import { openBucket } from '../access';
import type { Call } from '../call';
import { s3Fault } from '../fault';
import { emptyAnswer, xmlAnswer } from '../wire/answer';
import { proveBody } from '../wire/integrity';
import { leaf, xmlDocument } from '../wire/xml-writer';

const MAX_POLICY_BYTES = 20 * 1024;

/** PutBucketPolicy: stored and sent back as it came. It binds sessions of roles, and its denials everybody. */
export function putBucketPolicy(call: Call): AwsResponse {
  const bucket = openBucket(call);
  proveBody(call);
  const text = call.request.body.toString('utf8');
  const statements = statementsOf(text);
  if (call.request.body.length > MAX_POLICY_BYTES)
    throw s3Fault('MalformedPolicy', 'Normalized policy document exceeds the maximum allowed size of 20480 bytes.');
  for (const statement of statements) checkStatement(statement, bucket.name);
  if (bucket.publicAccessBlock?.BlockPublicPolicy === true && statements.some(isPublic)) {
    throw s3Fault(
      'AccessDenied',
      'User is not authorized to perform: s3:PutBucketPolicy on resource because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.',
    );
  }
  bucket.policy = text;
  return emptyAnswer(204);
}

/** GetBucketPolicy. */
export function getBucketPolicy(call: Call): AwsResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: policyOf(call) };
}

/** GetBucketPolicyStatus: public when some statement lets everybody in without a condition. */
export function getBucketPolicyStatus(call: Call): AwsResponse {
  const open = statementsOf(policyOf(call)).some(isPublic);
  return xmlAnswer(xmlDocument('PolicyStatus', leaf('IsPublic', open)));
}

/** DeleteBucketPolicy. */
export function deleteBucketPolicy(call: Call): AwsResponse {
  openBucket(call).policy = undefined;
  return emptyAnswer(204);
}

function policyOf(call: Call): string {
  const bucket = openBucket(call);
  if (bucket.policy === undefined) {
    throw s3Fault('NoSuchBucketPolicy', undefined, { details: { BucketName: bucket.name } });
  }
  return bucket.policy;
}

type Statement = Readonly<Record<string, unknown>>;

function statementsOf(text: string): readonly Statement[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw s3Fault('MalformedPolicy', "Policies must be valid JSON and the first byte must be '{'");
  }
  if (!isRecord(document))
    throw s3Fault('MalformedPolicy', "Policies must be valid JSON and the first byte must be '{'");
  const statements = Array.isArray(document.Statement) ? document.Statement : [document.Statement];
  if (!statements.every(isRecord) || statements.length === 0) {
    throw s3Fault('MalformedPolicy', 'Missing required field Statement');
  }
  return statements;
}

function checkStatement(statement: Statement, bucket: string): void {
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
    throw s3Fault('MalformedPolicy', `Invalid effect : ${String(statement.Effect)}`);
  }
  for (const [field, opposite] of [
    ['Principal', 'NotPrincipal'],
    ['Action', 'NotAction'],
    ['Resource', 'NotResource'],
  ] as const) {
    if (statement[field] === undefined && statement[opposite] === undefined) {
      throw s3Fault('MalformedPolicy', `Missing required field ${field}`);
    }
  }
  const own = `arn:aws:s3:::${bucket}`;
  const resources = [statement.Resource ?? statement.NotResource].flat();
  if (!resources.every((arn) => typeof arn === 'string' && (arn === '*' || arn === own || arn.startsWith(`${own}/`)))) {
    throw s3Fault('MalformedPolicy', 'Policy has invalid resource');
  }
}

function isPublic(statement: Statement): boolean {
  if (statement.Effect !== 'Allow' || statement.Condition !== undefined) return false;
  const principal = isRecord(statement.Principal) ? statement.Principal.AWS : statement.Principal;
  return [principal].flat().includes('*');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
