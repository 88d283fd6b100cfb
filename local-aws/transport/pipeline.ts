import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials } from '../credentials';
import type { FaultAction, Faults } from '../faults';
import type { AwsRequest, AwsResponse } from '../message';
import type { RequestEvent, Requests } from '../requests';
import type { Signable } from '../signature/canonical';
import { MalformedClaim, OtherMechanism, readClaim, type SignatureClaim } from '../signature/claim';
import { parseQuery } from '../signature/encoding';
import { payloadHash, readPayload } from '../signature/payload';
import type { Verifier } from '../signature/verify';
import { errorResponse } from '../wire/errors';
import { malformedSignature, otherMechanism, Refusal } from '../wire/refusal';
import { refuseUnsigned } from './anonymous';
import type { Served } from './served';

export interface PipelineOptions {
  readonly services: Readonly<Record<string, Served>>;
  readonly verify: Verifier;
  readonly credentials: Credentials;
  readonly faults: Faults;
  readonly requests: Requests;
  readonly region: string;
  readonly accountId: string;
}

/** What becomes of the connection once a request is through. */
export type Outcome =
  | { readonly kind: 'answer'; readonly response: AwsResponse; readonly truncateAt: number | undefined }
  | { readonly kind: 'reset' };

/** Everything that is known of a request before its signature is looked at. */
interface Incoming {
  readonly head: Signable;
  readonly body: Buffer;
  readonly requestId: string;
}

/** Takes one request from its bytes to its answer: signature, payload, faults, permission, service. Never throws. */
export type Pipeline = (head: Signable, body: Buffer) => Promise<Outcome>;

export function createPipeline(options: PipelineOptions): Pipeline {
  return async (head, body) => {
    const incoming = { head, body, requestId: randomUUID() };
    const service = guessService(head);
    try {
      return await carryOut(options, incoming);
    } catch (error) {
      const refused = error instanceof Refusal ? error : unexpected(error);
      const claimed = refusedService(head) ?? service;
      const protocol = Object.hasOwn(options.services, claimed) ? claimed : service;
      const response = errorResponse(protocol, refused, incoming.requestId);
      record(
        options,
        incoming,
        { service: claimed, operation: 'Unknown', key: undefined, accessKeyId: undefined },
        response,
      );
      return { kind: 'answer', response, truncateAt: undefined };
    }
  };
}

async function carryOut(options: PipelineOptions, incoming: Incoming): Promise<Outcome> {
  const { head } = incoming;
  const query = readQuery(head);
  const claim = claimOf(head, query);
  if (claim === undefined) {
    return answer(await refuseUnsigned(guessService(head), options, { ...incoming, query }));
  }
  const served = Object.hasOwn(options.services, claim.service) ? options.services[claim.service] : undefined;
  if (served === undefined) throw unserved(claim.service, Object.keys(options.services));
  const request = authenticate(options, incoming, query, claim);
  const named = served.name(request);
  const event: RequestEvent = {
    service: claim.service,
    ...named,
    method: head.method,
    rawPath: head.rawPath,
    requestId: incoming.requestId,
  };
  const log = { ...event, accessKeyId: claim.accessKeyId };
  const strike = await suffer(options.faults, event);
  if (strike?.kind === 'reset-before') return reset(options, incoming, log);
  if (strike?.kind === 'answer') {
    const injected = new Refusal(strike.code, strike.status, strike.message ?? 'Injected fault.');
    const response = errorResponse(claim.service, injected, incoming.requestId);
    record(options, incoming, log, response);
    return answer(response);
  }
  if (options.requests.hooked && (await options.requests.before(event)) === 'reset')
    return reset(options, incoming, log);
  const response = await permitted(options.credentials, served, named.operation, request);
  record(options, incoming, log, response);
  const verdict = options.requests.hooked
    ? await options.requests.after({ ...event, status: response.status })
    : undefined;
  if (verdict === 'reset' || strike?.kind === 'reset-after') return { kind: 'reset' };
  return { kind: 'answer', response, truncateAt: strike?.kind === 'truncate' ? strike.bytes : undefined };
}

async function permitted(
  credentials: Credentials,
  served: Served,
  operation: string,
  request: AwsRequest,
): Promise<AwsResponse> {
  const denied = served
    .actions(operation, request)
    .find((action) => !credentials.permits(request.caller.accessKeyId, action));
  return denied === undefined ? served.serve(request) : served.denied(denied, request);
}

function authenticate(
  options: PipelineOptions,
  { head, body, requestId }: Incoming,
  query: ReadonlyMap<string, string>,
  claim: SignatureClaim,
): AwsRequest {
  const hash = payloadHash(claim.service, head.headers, query, claim.expires !== undefined, body);
  const verified = options.verify(head, claim, hash);
  const payload = claim.service === 's3' ? readPayload(hash, head.headers, body, verified) : { body, trailers: {} };
  return {
    method: head.method,
    rawPath: head.rawPath,
    query,
    headers: head.headers,
    ...payload,
    caller: verified.key.caller,
    region: claim.region,
    requestId,
  };
}

/** Waits out the delays that strike a request and returns the first other fault. */
async function suffer(faults: Faults, event: RequestEvent): Promise<FaultAction | undefined> {
  if (faults.latency > 0) await sleep(faults.latency);
  const struck = faults.strike(event);
  for (const action of struck) {
    if (action.kind !== 'delay') return action;
    await sleep(action.milliseconds);
  }
  return undefined;
}

function readQuery(head: Signable): ReadonlyMap<string, string> {
  try {
    decodeURIComponent(head.rawPath);
    return new Map(parseQuery(head.rawQuery));
  } catch {
    throw new Refusal('InvalidURI', 400, "Couldn't parse the specified URI.", { URI: head.rawPath });
  }
}

function claimOf(head: Signable, query: ReadonlyMap<string, string>): SignatureClaim | undefined {
  try {
    return readClaim(head.headers, query);
  } catch (error) {
    if (error instanceof MalformedClaim) throw malformedSignature(guessService(head), error.message);
    if (error instanceof OtherMechanism) throw otherMechanism(guessService(head));
    throw error;
  }
}

/** The service of the credential scope, also where the request is refused before the scope was trusted. */
function refusedService(head: Signable): string | undefined {
  try {
    return readClaim(head.headers, readQuery(head))?.service;
  } catch {
    return undefined;
  }
}

/** The protocol of a request whose signature names no service. */
function guessService({ headers, method, rawPath }: Signable): string {
  if (headers['x-amz-target'] !== undefined) return 'kms';
  const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  return form && method === 'POST' && rawPath === '/' ? 'sts' : 's3';
}

/** 501 is no status that SDKs try again on. */
function unserved(service: string, served: readonly string[]): Refusal {
  const known = served.toSorted().join(', ');
  return new Refusal(
    'NotImplemented',
    501,
    `The service ${service} is not part of this endpoint, which serves ${known}.`,
  );
}

function unexpected(error: unknown): Refusal {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Refusal('InternalError', 500, `We encountered an internal error: ${text}`);
}

const answer = (response: AwsResponse): Outcome => ({ kind: 'answer', response, truncateAt: undefined });

type Named = Pick<RequestEvent, 'service' | 'operation' | 'key'> & { readonly accessKeyId: string | undefined };

function reset(options: PipelineOptions, incoming: Incoming, named: Named): Outcome {
  record(options, incoming, named, { status: 0, errorCode: 'ConnectionReset' });
  return { kind: 'reset' };
}

function record(
  { requests }: PipelineOptions,
  { head, requestId }: Incoming,
  named: Named,
  response: AwsResponse,
): void {
  requests.record({
    service: named.service,
    operation: named.operation,
    key: named.key,
    accessKeyId: named.accessKeyId,
    method: head.method,
    path: head.rawQuery === '' ? head.rawPath : `${head.rawPath}?${head.rawQuery.replace(/&?X-Amz-[^&]*/g, '')}`,
    userAgent: head.headers['user-agent'],
    status: response.status,
    code: response.status < 400 ? response.errorCode : (response.errorCode ?? codeInBody(response)),
    requestId,
  });
}

function codeInBody({ body }: AwsResponse): string | undefined {
  return body === undefined ? undefined : /<Code>([^<]+)<\/Code>/.exec(body.toString())?.[1];
}
