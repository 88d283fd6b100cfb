import { customEndpointHost } from '../../aws/path-style';
import type { PollSettings } from '../../batch/batch-request';
import type { RunTarget } from '../rotation-run';

/** Milliseconds. AWS asks for no more than one DescribeJob for a job in 30 s. */
const AWS_ASKS = 30_000;
/** On a loopback address answers the embedded endpoint, whose jobs take milliseconds. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/** How often a run asks how a job stands. */
export async function jobPoll({ clients }: Pick<RunTarget, 'clients'>): Promise<PollSettings> {
  const host = await customEndpointHost(clients.s3Control);
  return host !== undefined && LOOPBACK.test(host)
    ? { firstMs: 100, mostMs: 1_000 }
    : { firstMs: AWS_ASKS, mostMs: AWS_ASKS };
}
