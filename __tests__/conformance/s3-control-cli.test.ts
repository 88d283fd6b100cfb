import { once } from 'node:events';
import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BatchStand, batchStand } from '../local-aws/s3-control/batch-stand';
import { awsCli, itWithCli } from './aws-cli';

const MINUTE = 60_000;

let stand: BatchStand;
let bucket: string;
let proxy: Server;

beforeAll(async () => {
  stand = await batchStand();
  bucket = await stand.bucket('cli-jobs');
  await stand.put(bucket, 'a');
  proxy = proxyTo(stand.aws.port);
  await once(proxy, 'listening');
});
afterAll(async () => {
  proxy.close();
  await stand.close();
});

/**
 * The CLI puts the account before the host. `123456789012.localhost` is this machine for some resolvers and nothing for
 * others, so the name is left to a proxy. The host stays as the CLI signed it.
 */
function proxyTo(port: number): Server {
  return createServer((incoming, outgoing) => {
    const { pathname, search } = new URL(incoming.url ?? '');
    const { method, headers } = incoming;
    const request = forward({ port, host: '127.0.0.1', method, headers, path: `${pathname}${search}` }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(request);
  }).listen(0, '127.0.0.1');
}

function s3control(operation: string, ...args: readonly string[]) {
  const { port } = proxy.address() as AddressInfo;
  const named = {
    ...stand.aws,
    environment: () => ({
      ...stand.aws.environment(),
      AWS_ENDPOINT_URL: `http://localhost:${stand.aws.port}`,
      HTTP_PROXY: `http://127.0.0.1:${port}`,
    }),
  };
  return awsCli(named, 's3control', operation, '--account-id', stand.account, ...args);
}

itWithCli(
  'creates, confirms, tags, describes and lists a job',
  async () => {
    const input = stand.input(bucket);
    const created = await s3control(
      'create-job',
      '--confirmation-required',
      '--operation',
      JSON.stringify(input.Operation),
      '--report',
      JSON.stringify(input.Report),
      '--manifest-generator',
      JSON.stringify(input.ManifestGenerator),
      '--priority',
      '1',
      '--role-arn',
      stand.roleArn,
      '--client-request-token',
      'cli',
      '--description',
      'by the CLI',
    );
    const JobId = String(created.JobId);
    expect(await stand.aws.jobs.settled(JobId)).toBe('Suspended');
    await s3control('put-job-tagging', '--job-id', JobId, '--tags', 'Key=a,Value=b');
    expect(await s3control('get-job-tagging', '--job-id', JobId)).toEqual({ Tags: [{ Key: 'a', Value: 'b' }] });
    await s3control('update-job-priority', '--job-id', JobId, '--priority', '5');
    const status = ['--job-id', JobId, '--requested-job-status', 'Ready', '--status-update-reason', 'looked at'];
    expect(await s3control('update-job-status', ...status)).toEqual({
      JobId,
      Status: 'Ready',
      StatusUpdateReason: 'looked at',
    });
    expect(await stand.aws.jobs.settled(JobId)).toBe('Complete');
    const { Job } = await s3control('describe-job', '--job-id', JobId);
    expect(Job).toMatchObject({
      JobId,
      Status: 'Complete',
      Priority: 5,
      Description: 'by the CLI',
      Operation: input.Operation,
    });
    expect(await s3control('list-jobs', '--job-statuses', 'Complete', 'Active')).toMatchObject({ Jobs: [{ JobId }] });
    await s3control('delete-job-tagging', '--job-id', JobId);
    expect(await s3control('get-job-tagging', '--job-id', JobId)).toEqual({ Tags: [] });
  },
  MINUTE,
);

itWithCli(
  'tells an error by its code',
  async () => {
    await expect(s3control('describe-job', '--job-id', 'no-such-job')).rejects.toThrow(
      /\(NotFoundException\).*no-such-job does not exist/,
    );
  },
  MINUTE,
);
