import { leaf } from '../../s3/wire/xml-writer';
import { type ControlCall, xmlAnswer } from '../call';
import { badRequest, ControlFault } from '../fault';
import type { JobStatus } from '../state/job';
import { controlDocument } from '../wire/job-xml';

const CANCELLABLE = new Set<JobStatus>(['New', 'Preparing', 'Suspended', 'Ready', 'Active']);

/**
 * UpdateJobStatus: confirms a Suspended job, or cancels one that has not begun to end.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_UpdateJobStatus.html
 */
export function updateJobStatus({ control, request, jobId }: ControlCall) {
  const asked = request.query.get('requestedJobStatus');
  if (asked !== 'Ready' && asked !== 'Cancelled')
    throw badRequest('requestedJobStatus', `is ${asked ?? 'missing'}; allowed: Ready, Cancelled`);
  const reason = request.query.get('statusUpdateReason');
  if (reason !== undefined && (reason.length < 1 || reason.length > 256))
    throw badRequest('statusUpdateReason', `has ${reason.length} characters; 1 to 256 are allowed`);
  const job = control.registry.find(jobId);
  const allowed = asked === 'Ready' ? job.status === 'Suspended' : CANCELLABLE.has(job.status);
  if (!allowed)
    throw new ControlFault('JobStatusException', `A job that is ${job.status} cannot be changed to ${asked}.`);
  job.statusReason = reason;
  control.registry.move(job, asked === 'Ready' ? 'Ready' : 'Cancelling');
  control.engine.drive(job);
  return xmlAnswer(
    controlDocument(
      'UpdateJobStatusResult',
      leaf('JobId', job.id),
      leaf('Status', job.status),
      leaf('StatusUpdateReason', reason),
    ),
  );
}

/** UpdateJobPriority. Priorities order nothing here. https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_UpdateJobPriority.html */
export function updateJobPriority({ control, request, jobId }: ControlCall) {
  const given = request.query.get('priority') ?? '';
  if (!/^\d{1,10}$/.test(given) || Number(given) > 2_147_483_647)
    throw badRequest('priority', `is ${given}; a whole number from 0 to 2147483647 is allowed`);
  const job = control.registry.find(jobId);
  job.priority = Number(given);
  return xmlAnswer(controlDocument('UpdateJobPriorityResult', leaf('JobId', job.id), leaf('Priority', job.priority)));
}
