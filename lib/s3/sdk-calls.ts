import { type S3Client, S3ServiceException } from '@aws-sdk/client-s3';

import { ownerFields, withOwner } from './bucket-owner';
import { StoreFault } from './store-fault';

interface SdkCommand<Output> {
  readonly middlewareStack: unknown;
  readonly input: object;
  resolveMiddleware: (...args: never[]) => (...args: never[]) => Promise<{ output: Output }>;
}

/**
 * Sends SDK commands, counts the requests that leave, follows the endpoint's clock, and turns failures into `StoreFault`s.
 *
 * @param owner - id of the account that must own every bucket; absent: any may
 */
export function sdkCalls(s3: S3Client, owner?: string) {
  let sent = 0;
  let skew = 0;
  const client = s3 as unknown as { send(command: unknown, options: { abortSignal?: AbortSignal }): Promise<unknown> };

  // Innermost, so that the SDK's own retries are counted too.
  s3.middlewareStack.add(
    (next) => async (args) => {
      sent += 1;
      const result = await next(args);
      const date = dateOf(result.response);
      if (date !== undefined) skew = date - Date.now();
      return result;
    },
    { step: 'finalizeRequest', priority: 'low', name: 'keyturnRequestCount', override: true },
  );

  const send = async <Output>(
    operation: string,
    command: SdkCommand<Output>,
    signal: AbortSignal | undefined,
  ): Promise<Output> => {
    signal?.throwIfAborted();
    Object.assign(command.input, ownerFields({ ...command.input }, owner));
    try {
      return (await client.send(command, signal ? { abortSignal: signal } : {})) as Output;
    } catch (error) {
      signal?.throwIfAborted();
      const fault = sdkFault(operation, error);
      throw fault instanceof StoreFault ? withOwner(fault, owner) : fault;
    }
  };
  return { send, requests: () => sent, now: () => Date.now() + skew };
}

function dateOf(response: unknown): number | undefined {
  const headers = (response as { headers?: Record<string, string> }).headers;
  const at = headers?.date === undefined ? Number.NaN : Date.parse(headers.date);
  return Number.isNaN(at) ? undefined : at;
}

/** What the SDK threw, as a `StoreFault`; a bug stays one. */
export function sdkFault(operation: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!(error instanceof S3ServiceException)) return transportFault(operation, error) ?? error;
  const status = error.$metadata.httpStatusCode ?? 0;
  // A HEAD error has no body; the SDK names it after the status, which adds nothing to the status.
  const code = operation === 'HeadObject' ? '' : error.name;
  const requestId = error.$metadata.requestId;
  return new StoreFault(
    { operation, status, code, message: error.message, ...(requestId === undefined ? {} : { requestId }) },
    error,
  );
}

/** Credentials that cannot be had, a connection that failed, an answer that ends early; undefined: a bug, which stays one. */
function transportFault(operation: string, error: Error): StoreFault | undefined {
  const { code, $metadata } = error as { code?: unknown; $metadata?: unknown };
  const isUnread = $metadata !== undefined || error.message.startsWith('AWS SDK error wrapper for');
  const isNamed = error.name === 'TimeoutError' || error.name === 'CredentialsProviderError';
  if (typeof code !== 'string' && !isUnread && !isNamed) return undefined;
  const named = typeof code === 'string' ? code : isNamed ? error.name : 'IncompleteAnswer';
  return new StoreFault({ operation, status: 0, code: named, message: error.message }, error);
}
