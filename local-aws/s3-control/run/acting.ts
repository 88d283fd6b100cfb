import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultAction, Faults } from '../../faults';
import type { AwsRequest, AwsResponse, Caller } from '../../message';
import type { Need } from '../../need';
import type { Permissions } from '../../permissions';
import type { Requests } from '../../requests';
import { permitted } from '../../transport/pipeline';
import type { Served } from '../../transport/served';

/** The name that the requests of jobs have in the log and in the faults' matches. */
export const JOB_SERVICE = 'batchoperations';

/** A request to S3 that a job makes. */
export interface JobCall {
  readonly method: 'GET' | 'PUT';
  readonly bucket: string;
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** What S3 answered, a refusal taken apart. */
export interface JobAnswer {
  readonly status: number;
  /** The error code, `''` for success. */
  readonly code: string;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Sends the requests of jobs to S3 in process, as the role: same needs, same handlers, same log as over the wire. */
export interface Acting {
  send(role: Caller, call: JobCall): Promise<JobAnswer>;
  /** Asks for an action that no request of this endpoint stands for. */
  permits(role: Caller, need: Need): boolean;
}

export interface ActingOptions {
  readonly s3: Served;
  readonly permissions: Permissions;
  readonly faults: Pick<Faults, 'strike'>;
  readonly requests: Pick<Requests, 'record'>;
  readonly region: string;
  /** Called with everything that a role was asked for. */
  readonly onNeeds: (needs: readonly Need[]) => void;
}

export function createActing(options: ActingOptions): Acting {
  const { permissions, onNeeds } = options;
  return {
    send: (role, call) => send(options, requestOf(options.region, { ...role }, call)),
    permits(role, need) {
      onNeeds([need]);
      return permissions.permits({ ...role }, need);
    },
  };
}

function requestOf(region: string, caller: Caller, call: JobCall): AwsRequest {
  const key = call.key.split('/').map(encodeURIComponent).join('/');
  return {
    method: call.method,
    rawPath: `/${call.bucket}/${key}`,
    query: new Map(Object.entries(call.query ?? {})),
    headers: { host: `s3.${region}.amazonaws.com`, 'user-agent': JOB_SERVICE, ...call.headers },
    body: call.body ?? Buffer.alloc(0),
    trailers: {},
    caller,
    region,
    requestId: randomUUID(),
  };
}

async function send(options: ActingOptions, request: AwsRequest): Promise<JobAnswer> {
  const { s3, faults } = options;
  const named = s3.name(request);
  const struck = await suffer(faults.strike({ service: JOB_SERVICE, ...named }));
  if (struck?.kind === 'answer')
    return logged(options, request, named, failure(struck.status, struck.code, struck.message));
  if (struck?.kind === 'reset-before') return logged(options, request, named, lost);
  const answer = readAnswer(await permitted(options.permissions, s3, named.operation, request));
  return logged(options, request, named, struck?.kind === 'reset-after' ? lost : answer);
}

/** Waits out delays and returns the first other fault; half an answer is as good as none, where nobody reads it. */
async function suffer(struck: readonly FaultAction[]): Promise<FaultAction | undefined> {
  for (const action of struck) {
    if (action.kind !== 'delay') return action.kind === 'truncate' ? { kind: 'reset-after' } : action;
    await sleep(action.milliseconds, undefined, { ref: false });
  }
  return undefined;
}

function failure(status: number, code: string, message = 'Injected fault.'): JobAnswer {
  return { status, code, message, headers: {}, body: Buffer.alloc(0) };
}

const lost = failure(500, 'InternalError', 'We encountered an internal error. Please try again.');

function readAnswer({ status, errorCode, headers = {}, body = '' }: AwsResponse): JobAnswer {
  const bytes = Buffer.from(body);
  if (status < 400) return { status, code: '', message: '', headers, body: bytes };
  const document = bytes.toString('utf8');
  const code = errorCode ?? /<Code>([^<]*)<\/Code>/.exec(document)?.[1] ?? 'InternalError';
  return {
    status,
    code,
    message: plain(/<Message>([^<]*)<\/Message>/.exec(document)?.[1] ?? ''),
    headers,
    body: bytes,
  };
}

const plain = (xml: string): string =>
  xml.replace(
    /&(lt|gt|quot|apos|amp);/g,
    (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name] ?? '',
  );

function logged(
  { permissions, requests, onNeeds }: ActingOptions,
  request: AwsRequest,
  named: ReturnType<Served['name']>,
  answer: JobAnswer,
): JobAnswer {
  const needs = permissions.needsOf(request.caller);
  onNeeds(needs);
  const query = [...request.query].map(([name, value]) =>
    value === '' ? name : `${name}=${encodeURIComponent(value)}`,
  );
  requests.record({
    service: JOB_SERVICE,
    ...named,
    accessKeyId: request.caller.accessKeyId,
    method: request.method,
    path: query.length === 0 ? request.rawPath : `${request.rawPath}?${query.join('&')}`,
    userAgent: JOB_SERVICE,
    status: answer.status,
    code: answer.code === '' ? undefined : answer.code,
    requestId: request.requestId,
    actions: [...new Set(needs.map(({ action }) => action))],
    needs,
  });
  return answer;
}
