import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultAction, Faults } from '../faults';
import type { AwsRequest, AwsResponse } from '../message';
import type { Permissions } from '../permissions';
import type { RequestEvent } from '../requests';
import type { Authorization } from '../signature/authorization-header';
import type { Signable } from '../signature/canonical';
import { payloadHash, readPayload } from '../signature/payload';
import { errorResponse } from '../wire/errors';
import { Refusal } from '../wire/refusal';
import { refuseUnsigned } from './anonymous';
import type { PipelineOptions } from './pipeline-options';
import { authorizationOf, guessService, type ReceivedRequest, readQuery, refusedService } from './received-request';
import { record, unnamed } from './request-log';
import type { Served } from './served';

/** What becomes of the connection once a request is through. */
export type Outcome =
  | { readonly kind: 'answer'; readonly response: AwsResponse; readonly truncateAt: number | undefined }
  | { readonly kind: 'reset' };

/** Takes one request from its bytes to its answer: signature, payload, faults, permission, service. Never rejects. */
export type Pipeline = (head: Signable, body: Buffer) => Promise<Outcome>;

export function createPipeline(options: PipelineOptions): Pipeline {
  return async (head, body) => {
    const incoming = { head, body, requestId: randomUUID() };
    try {
      const identified = identify(options, incoming);
      return identified === undefined
        ? answer(await refuseUnsigned(guessService(head), options, incoming))
        : await carryOut(options, incoming, identified);
    } catch (error) {
      return answer(refuse(options, incoming, error instanceof Refusal ? error : unexpected(error)));
    }
  };
}

/** A request that was found to be who and what it says. */
interface Identified {
  readonly served: Served;
  readonly request: AwsRequest;
  readonly event: RequestEvent;
}

/** Verifies the signature and names the operation. Undefined for an unsigned request. Throws a {@link Refusal}. */
function identify(options: PipelineOptions, incoming: ReceivedRequest): Identified | undefined {
  const { head, requestId } = incoming;
  const query = readQuery(head);
  const authorization = authorizationOf(head, query);
  if (authorization === undefined) return undefined;
  const service = serviceOf(head, authorization);
  const served = Object.hasOwn(options.services, service) ? options.services[service] : undefined;
  if (served === undefined) throw unserved(service, Object.keys(options.services));
  const request = authenticate(options, incoming, query, authorization);
  const event = { service, ...served.name(request), method: head.method, rawPath: head.rawPath, requestId };
  return { served, request, event };
}

/** S3 Control signs as S3; the header tells it apart, and no path can: a bucket may have any name. */
function serviceOf({ headers }: Signable, { service }: Authorization): string {
  return service === 's3' && headers['x-amz-account-id'] !== undefined ? 's3control' : service;
}

async function carryOut(
  { faults, requests, permissions }: PipelineOptions,
  incoming: ReceivedRequest,
  { served, request, event }: Identified,
): Promise<Outcome> {
  const named = { ...event, accessKeyId: request.caller.accessKeyId };
  const dropped = { status: 0, errorCode: 'ConnectionReset' };
  const strike = await suffer(faults, event);
  const prevented = strike?.kind === 'reset-before' || strike?.kind === 'answer';
  const before = requests.hooked && !prevented ? await requests.before(event) : undefined;
  if (strike?.kind === 'reset-before' || before === 'reset') {
    record(requests, incoming, named, dropped);
    return { kind: 'reset' };
  }
  const response =
    strike?.kind === 'answer'
      ? errorResponse(event.service, injected(strike), incoming.requestId)
      : await permitted(permissions, served, event.operation, request);
  record(requests, incoming, { ...named, needs: permissions.needsOf(request.caller) }, response);
  if (strike?.kind === 'answer') return answer(response);
  const after = requests.hooked ? await requests.after({ ...event, status: response.status }) : undefined;
  if (strike?.kind === 'reset-after' || after === 'reset') return { kind: 'reset' };
  return { kind: 'answer', response, truncateAt: strike?.kind === 'truncate' ? strike.bytes : undefined };
}

/** Carries a request out, if its caller may have it: from the wire, and by the jobs of S3 Batch Operations. */
export async function permitted(
  permissions: Permissions,
  served: Served,
  operation: string,
  request: AwsRequest,
): Promise<AwsResponse> {
  const { caller } = request;
  const moved = served.elsewhere?.(request);
  if (moved !== undefined) return moved;
  const about = () => served.about?.(request) ?? {};
  const denied = served.needs(operation, request).find((need) => !permissions.permits(caller, need, about));
  if (denied === undefined) return served.serve(request);
  return served.denied(denied, request, permissions.refusal(caller, denied, about));
}

function authenticate(
  options: PipelineOptions,
  { head, body, requestId }: ReceivedRequest,
  query: ReadonlyMap<string, string>,
  authorization: Authorization,
): AwsRequest {
  const hash = payloadHash(authorization.service, head.headers, query, authorization.expires !== undefined, body);
  const verified = options.verify(head, authorization, hash);
  const payload =
    authorization.service === 's3' ? readPayload(hash, head.headers, body, verified) : { body, trailers: {} };
  return {
    method: head.method,
    rawPath: head.rawPath,
    query,
    rawQuery: head.rawQuery,
    headers: head.headers,
    ...payload,
    // A copy for this request alone: what is asked in its course is remembered by it.
    caller: { ...verified.key.caller },
    region: authorization.region,
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

/** 501 is no status that SDKs try again on. */
function unserved(service: string, served: readonly string[]): Refusal {
  const known = served.toSorted().join(', ');
  return new Refusal(
    'NotImplemented',
    501,
    `The service ${service} is not part of this endpoint, which serves ${known}.`,
  );
}

function injected({ code, status, message }: Extract<FaultAction, { kind: 'answer' }>): Refusal {
  return new Refusal(code, status, message ?? 'Injected fault.');
}

/** The refusal in the protocol of the service it concerns, entered in the log. */
function refuse({ services, requests }: PipelineOptions, incoming: ReceivedRequest, refused: Refusal): AwsResponse {
  const guessed = guessService(incoming.head);
  const signed = refusedService(incoming.head);
  const service =
    signed === 's3' && incoming.head.headers['x-amz-account-id'] !== undefined ? 's3control' : (signed ?? guessed);
  const protocol = Object.hasOwn(services, service) ? service : guessed;
  const response = errorResponse(protocol, refused, incoming.requestId);
  record(requests, incoming, unnamed(service), response);
  return response;
}

function unexpected(error: unknown): Refusal {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Refusal('InternalError', 500, `We encountered an internal error: ${text}`);
}

const answer = (response: AwsResponse): Outcome => ({ kind: 'answer', response, truncateAt: undefined });
