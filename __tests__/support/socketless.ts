import { Readable } from 'node:stream';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { LocalAws } from '../../local-aws';
import { headersOf } from '../../local-aws/transport/server';

/** What the SDK hands to a request handler, as far as it is used here. */
interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A request handler for SDK clients that reaches an endpoint in this process without a socket. @param aws - which one, now */
export function socketless(aws: () => Pick<LocalAws, 'answer'>) {
  return {
    async handle(request: SdkRequest) {
      const headers = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
      const head = {
        method: request.method,
        rawPath: request.path,
        rawQuery: queryOf(request.query ?? {}),
        headers: Object.fromEntries(headers),
      };
      const outcome = await aws().answer(head, bytesOf(request.body));
      if (outcome.kind === 'reset') throw new Error('the endpoint drops the connection');
      const { response } = outcome;
      const body = Buffer.from(response.body ?? '');
      const named = Object.entries(headersOf(response, body, { now: Date.now }));
      return {
        response: {
          statusCode: response.status,
          headers: Object.fromEntries(named.map(([name, value]) => [name, String(value)])),
          body: Readable.from(request.method === 'HEAD' ? [] : [body]),
        },
      };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => undefined,
  };
}

const near = new Map<string, LocalAws>();

/**
 * From here on every SDK client of this process, the product's own too, reaches an endpoint of this process without a socket. Both
 * ends of one cost much CPU time. While a fault or a hook may drop a connection or hold it up, requests go over the wire as ever.
 * @returns what ends it
 */
export function shortenWayTo(aws: LocalAws): () => void {
  const host = new URL(aws.url).host;
  near.set(host, aws);
  NodeHttpHandler.prototype.handle = handleNear;
  return () => near.delete(host);
}

const overWire = NodeHttpHandler.prototype.handle;

const handleNear: typeof overWire = async function (this: NodeHttpHandler, request, options) {
  const aws = near.get(`${request.hostname}:${request.port}`);
  const isQuiet =
    aws !== undefined && !aws.faults.armed && !aws.requests.hooked && options?.abortSignal?.aborted !== true;
  if (!isQuiet || !isWhole(request.body)) return overWire.call(this, request, options);
  return socketless(() => aws).handle(request) as ReturnType<typeof overWire>;
};

function queryOf(query: NonNullable<SdkRequest['query']>): string {
  return Object.entries(query)
    .flatMap(([name, value]) => [value ?? ''].flat().map((one) => [name, one] as const))
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .join('&');
}

/** As Signature Version 4 encodes. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

const isWhole = (body: unknown): boolean =>
  body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;

function bytesOf(body: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError('only whole bodies are sent without a socket');
}
