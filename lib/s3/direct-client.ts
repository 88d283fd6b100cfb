import type { S3Client } from '@aws-sdk/client-s3';
import type { Dispatcher } from 'undici';

import { type Network, NetworkHandler } from '../aws/network';
import { type AnswerHandler, ConnectionPool, type Connections, kept } from './connection-pool';
import { resolveOrigin, type S3Origin } from './direct-origin';
import { EMPTY_SHA256, type Header, RequestSigner, type SigningCredentials } from './request-signer';
import { encodeKey } from './uri-encoding';

/** A request to S3, small and whole. */
export interface DirectRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  readonly bucket: string;
  /** Absent: the request is about the bucket. */
  readonly key?: string | undefined;
  /** From `encodeQuery`; default empty. */
  readonly query?: string;
  /** Lower-case names; each is signed. One list for many requests costs less. */
  readonly headers?: readonly Header[];
  readonly body?: { readonly text: string; readonly sha256: string } | undefined;
  /** True: the body of the answer is counted and discarded. */
  readonly discard?: boolean;
}

export interface DirectResponse {
  readonly status: number;
  /** Names in lower case, values as text. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty where it was discarded. */
  readonly body: Buffer;
  /** Length of the body. */
  readonly bytes: number;
}

/** No complete answer arrived: the connection failed, was reset, timed out, or ended early. */
export class ConnectionBroken extends Error {
  /** The socket's or undici's code, `ECONNRESET`, `UND_ERR_HEADERS_TIMEOUT`, … */
  readonly code: string;
  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'ConnectionBroken';
    this.code = code;
  }
}

/** The direct S3 client for bulk calls: one signature, one pooled connection, no middleware, no retries. */
export interface DirectClient {
  /** @throws ConnectionBroken; an answer of any status is an answer */
  send(request: DirectRequest): Promise<DirectResponse>;
  /** Asks the credential provider for new credentials, as the ones in use were refused. */
  refreshCredentials(): Promise<void>;
  /** Requests sent so far. */
  sent(): number;
  /** Milliseconds since the epoch by the endpoint's clock; undefined before this client's first answer. */
  now(): number | undefined;
  /** Closes the connections; requests in progress end first. */
  close(): Promise<void>;
}

/** Milliseconds: to connect, and of silence until an answer starts or continues. */
const TIMEOUTS = { connect: 5_000, headers: 60_000, body: 60_000 };
/** Milliseconds before they end that credentials are renewed. */
const RENEW_BEFORE = 60_000;
/** Milliseconds by which clocks may differ before signatures follow the endpoint's. AWS allows 15 minutes. */
const TOLERATED_SKEW = 4 * 60_000;

type ExpiringCredentials = SigningCredentials & { readonly expiration?: Date | undefined };

/**
 * Opens a direct client next to an SDK client. Endpoint, style, Region and credentials are the SDK client's own, resolved
 * by the SDK and renewed by its provider chain. Proxies and trusted authorities are those of `createClients`; next to
 * another SDK client it connects directly.
 */
export function openDirectClient(s3: S3Client): DirectClient {
  return new PooledClient(s3);
}

interface Route extends S3Origin {
  readonly pool: Connections;
  readonly signer: RequestSigner;
}

class PooledClient implements DirectClient {
  readonly #s3: S3Client;
  readonly #routes = new Map<string, Promise<Route>>();
  readonly #pools = new Map<string, Connections>();
  #route: { readonly bucket: string; readonly route: Route } | undefined;
  #credentials: ExpiringCredentials | undefined;
  #refreshing: Promise<unknown> | undefined;
  #sent = 0;
  /** Absent before the first answer, whose date it comes from. */
  #skew: number | undefined;

  constructor(s3: S3Client) {
    this.#s3 = s3;
  }

  async send(request: DirectRequest): Promise<DirectResponse> {
    const route = this.#route?.bucket === request.bucket ? this.#route.route : await this.#routeTo(request.bucket);
    const credentials = this.#usable() ?? (await this.#renew(false));
    const { method, key, query = '', body } = request;
    const path = key === undefined ? `${route.basePath}/` : `${route.basePath}/${encodeKey(key)}`;
    const signed = route.signer.sign(
      {
        method,
        path,
        query,
        host: route.host,
        headers: request.headers ?? NO_HEADERS,
        payloadSha256: body?.sha256 ?? EMPTY_SHA256,
      },
      credentials,
      this.#signingTime(),
    );
    this.#sent += 1;
    const target = query === '' ? path : `${path}?${query}`;
    const answer = await exchange(
      route.pool,
      // undici closes the connection after a HEAD unless `reset` is false; S3 sends no body to one.
      { origin: route.origin, method, path: target, headers: signed, body: body?.text ?? null, reset: false },
      request.discard ?? false,
    );
    this.#noteClock(answer);
    return answer;
  }

  async refreshCredentials(): Promise<void> {
    this.#refreshing ??= this.#renew(true).finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  sent(): number {
    return this.#sent;
  }

  now(): number | undefined {
    return this.#skew === undefined ? undefined : Date.now() + this.#skew;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
    this.#pools.clear();
    this.#routes.clear();
    this.#route = undefined;
  }

  async #routeTo(bucket: string): Promise<Route> {
    const known = this.#routes.get(bucket);
    const opening = known ?? this.#open(bucket);
    this.#routes.set(bucket, opening);
    const route = await opening;
    this.#route = { bucket, route };
    return route;
  }

  async #open(bucket: string): Promise<Route> {
    const found = await resolveOrigin(this.#s3, bucket);
    const { requestHandler } = this.#s3.config;
    const network = requestHandler instanceof NetworkHandler ? requestHandler.network : undefined;
    const pool = this.#pools.get(found.origin) ?? (await poolOf(found.origin, network));
    this.#pools.set(found.origin, pool);
    return { ...found, pool, signer: new RequestSigner(found.region) };
  }

  #usable(): ExpiringCredentials | undefined {
    const ends = this.#credentials?.expiration?.getTime();
    return ends === undefined || ends - RENEW_BEFORE > Date.now() ? this.#credentials : undefined;
  }

  async #renew(forceRefresh: boolean): Promise<ExpiringCredentials> {
    const provider = this.#s3.config.credentials as (options?: {
      forceRefresh?: boolean;
    }) => Promise<ExpiringCredentials>;
    this.#credentials = await provider({ forceRefresh });
    return this.#credentials;
  }

  #signingTime(): number {
    const skew = this.#skew ?? 0;
    return Math.abs(skew) > TOLERATED_SKEW ? Date.now() + skew : Date.now();
  }

  /** The endpoint's clock has whole seconds, so it is read from the first answer, from one in 256, and from every refusal. */
  #noteClock({ status, headers }: DirectResponse): void {
    if (this.#skew !== undefined && status < 400 && this.#sent % 256 !== 1) return;
    const at = Date.parse(headers.date ?? '');
    if (!Number.isNaN(at)) this.#skew = at - Date.now();
  }
}

async function poolOf(origin: string, network: Network | undefined): Promise<Connections> {
  // At the first connection: many commands open a store and ask nothing of it.
  const { Client, ProxyAgent } = await import('undici');
  const ca = await network?.authorities();
  const proxy = network?.proxyFor(new URL(origin))?.url;
  // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch the verification off.
  const tls = { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) };
  const settings = {
    pipelining: 1,
    headersTimeout: TIMEOUTS.headers,
    bodyTimeout: TIMEOUTS.body,
    keepAliveTimeout: 4_000,
  };
  const connect = { timeout: TIMEOUTS.connect, ...tls };
  if (proxy === undefined) return new ConnectionPool(() => new Client(origin, { ...settings, connect }));
  // Without a tunnel for http, as curl, the AWS CLI and Terraform do: proxies often allow CONNECT to port 443 only.
  const proxied = { ...settings, connections: null, uri: proxy.href, proxyTunnel: false };
  return kept(new ProxyAgent({ ...proxied, requestTls: connect, proxyTls: connect }));
}

const NO_HEADERS: readonly Header[] = [];
const NOTHING = Buffer.alloc(0);

/** One request and its whole answer, without the streams that undici's own `request` builds around it. */
function exchange(pool: Connections, options: Dispatcher.DispatchOptions, discard: boolean): Promise<DirectResponse> {
  return new Promise((resolve, reject) => {
    pool.dispatch(options, new Exchange(discard, resolve, reject));
  });
}

class Exchange implements AnswerHandler {
  readonly #discard: boolean;
  readonly #resolve: (answer: DirectResponse) => void;
  readonly #reject: (error: ConnectionBroken) => void;
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: Record<string, string> = {};
  #bytes = 0;
  onFree = (): void => undefined;

  constructor(discard: boolean, resolve: (answer: DirectResponse) => void, reject: (error: ConnectionBroken) => void) {
    this.#discard = discard;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {
    // Required by undici of every handler; there is nothing to prepare.
  }

  onResponseStart(_controller: unknown, status: number, headers: unknown): void {
    this.#status = status;
    this.#headers = headers as Record<string, string>;
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (!this.#discard || this.#status >= 300) this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.onFree();
    const body = this.#chunks.length === 0 ? NOTHING : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, body, bytes: this.#bytes });
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.onFree();
    const code = (error as { code?: unknown }).code;
    this.#reject(new ConnectionBroken(typeof code === 'string' ? code : error.name, error.message, error));
  }
}
