import { leaf } from '../../s3/wire/xml-writer';
import { type ControlCall, xmlAnswer } from '../call';
import { badRequest, notServed } from '../fault';
import { type JobRequest, readJobRequest } from '../wire/job-request';
import { controlDocument } from '../wire/job-xml';

/**
 * CreateJob. The job is New when it answers and moves on by itself.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html
 */
export function createJob({ control, request }: ControlCall) {
  const asked = readJobRequest(request.body);
  checkManifest(asked);
  checkKey(asked, control.accountId);
  if (control.roleCheck === 'create') checkRole(asked, control);
  const { job, isNew } = control.registry.create(asked);
  if (isNew) control.engine.drive(job);
  return xmlAnswer(controlDocument('CreateJobResult', leaf('JobId', job.id)));
}

function checkManifest({ manifest }: JobRequest): void {
  if (manifest === undefined) return;
  const { Format, Fields } = manifest.Spec;
  if (Format === 'S3InventoryReport_CSV_20161130')
    throw notServed('The manifest format S3InventoryReport_CSV_20161130');
  const path = 'CreateJobRequest.Manifest.Spec.Fields';
  if (Fields === undefined) throw badRequest(path, 'is missing, which a CSV manifest needs');
  for (const name of ['Bucket', 'Key'] as const) {
    if (!Fields.includes(name)) throw badRequest(path, `does not have ${name}`);
  }
  const named = Fields.filter((name) => name !== 'Ignore');
  if (new Set(named).size !== named.length) throw badRequest(path, 'names a field more than once');
}

function checkKey({ operation }: JobRequest, accountId: string): void {
  if (operation.name !== 'S3UpdateObjectEncryption') return;
  const [, , , , account] = operation.keyArn.split(':');
  if (account === accountId) return;
  throw badRequest(
    'CreateJobRequest.Operation.S3UpdateObjectEncryption.ObjectEncryption.SSE-KMS.KMSKeyArn',
    `is of account ${account}; the key must belong to the account of the job`,
  );
}

/** The job has no ID yet, so a trust policy that names one job by `aws:SourceArn` lets none be made. */
function checkRole({ roleArn }: JobRequest, { takeRole, accountId, region }: ControlCall['control']): void {
  const role = takeRole(roleArn, `arn:aws:s3:${region}:${accountId}:job/*`);
  if ('refused' in role) throw badRequest('CreateJobRequest.RoleArn', `cannot be taken for the job: ${role.refused}`);
}
