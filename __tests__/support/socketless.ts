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

/** Lets every SDK client of this process reach the endpoint without a socket, the product's too. Returns what ends it. */
export function closeSockets(aws: Pick<LocalAws, 'answer'>): () => void {
  const { handle } = NodeHttpHandler.prototype;
  const direct = socketless(() => aws);
  NodeHttpHandler.prototype.handle = (async (request: SdkRequest) =>
    direct.handle(request)) as unknown as typeof handle;
  return () => {
    NodeHttpHandler.prototype.handle = handle;
  };
}

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

function bytesOf(body: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError('only whole bodies are sent without a socket');
}
