import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { KeyturnError } from '../errors';
import { type Authorities, trustedAuthorities } from './authorities';
import type { FailedRoute } from './endpoint-of';
import { type ProxyChoice, proxyFor, shownProxy } from './proxy';
import { UNTRUSTED_CERTIFICATE } from './untrusted-certificate';

/** How this machine reaches AWS: its proxies and the authorities that it trusts. */
export interface Network {
  /** The proxy for a URL; undefined for a direct connection. @throws KeyturnError `aws-proxy-invalid` */
  proxyFor(target: URL): ProxyChoice | undefined;
  /** PEM certificates that replace Node's list; undefined leaves Node's. @throws KeyturnError `aws-ca-bundle-unreadable` */
  authorities(): Promise<string | undefined>;
  /** How a URL is reached, for the error of a request that failed. */
  route(url: string): FailedRoute;
}

/** Reads the proxies from `env` at once; the authorities are read when the first connection needs them. */
export function openNetwork(env: NodeJS.ProcessEnv): Network {
  let loading: Promise<Authorities | undefined> | undefined;
  let loaded: Authorities | undefined;
  const proxyOf = (target: URL): ProxyChoice | undefined => {
    try {
      return proxyFor(target, env);
    } catch (error) {
      throw new KeyturnError(
        'aws-proxy-invalid',
        { reason: error instanceof Error ? error.message : String(error) },
        error,
      );
    }
  };
  return {
    proxyFor: proxyOf,
    route(url) {
      const proxy = proxyOf(new URL(url));
      return { url, proxy: proxy && shownProxy(proxy), bundle: loaded?.file };
    },
    async authorities() {
      loading ??= trustedAuthorities(env.NODE_EXTRA_CA_CERTS);
      loaded = await loading;
      return loaded?.pem;
    },
  };
}

/** Connection timeout in milliseconds: an unreachable endpoint is detected in seconds, including three attempts. */
const CONNECTION_TIMEOUT = 3_000;
/** Request timeout in milliseconds: longer than the slowest KMS management call. */
const SOCKET_TIMEOUT = 30_000;
/** Maximum open sockets per client; the direct S3 client has its own pool. */
const MAX_SOCKETS = 64;

type Handle = NodeHttpHandler['handle'];

/** The transport of an SDK client: one pool of connections for each proxy that its requests need, and one without. */
export class NetworkHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  /** Read by the direct S3 client, so that both go the same way. */
  readonly network: Network;
  readonly #handlers = new Map<string, Promise<NodeHttpHandler>>();

  constructor(network: Network) {
    this.network = network;
  }

  handle: Handle = async (request, options) => {
    const port = request.port === undefined ? '' : `:${request.port}`;
    const proxy = this.network.proxyFor(new URL(`${request.protocol}//${request.hostname}${port}`));
    const name = proxy?.url.href ?? '';
    const handler = this.#handlers.get(name) ?? handlerFor(proxy, this.network);
    this.#handlers.set(name, handler);
    const answer = await (await handler).handle(request, options);
    // AWS never answers it, so the proxy of a request without a tunnel did.
    if (answer.response.statusCode === 407) throw proxyError(407);
    return answer;
  };

  destroy(): void {
    for (const handler of this.#handlers.values()) {
      handler.then(
        (opened) => opened.destroy(),
        () => undefined,
      );
    }
  }

  /** Required by the SDK of every handler; the settings of this one do not change. */
  updateHttpClientConfig(): void {
    return;
  }

  httpHandlerConfigs(): object {
    return {};
  }
}

async function handlerFor(proxy: ProxyChoice | undefined, network: Network): Promise<NodeHttpHandler> {
  const ca = await network.authorities();
  const pool = { keepAlive: true, maxSockets: MAX_SOCKETS };
  // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch the verification off.
  const verifying = { ...pool, rejectUnauthorized: true };
  const secure = ca === undefined ? verifying : { ...verifying, ca };
  return new NodeHttpHandler({
    connectionTimeout: CONNECTION_TIMEOUT,
    socketTimeout: SOCKET_TIMEOUT,
    httpAgent: proxy === undefined ? new HttpAgent(pool) : new HttpProxyAgent(proxy.url, pool),
    httpsAgent: proxy === undefined ? new NamingAgent(secure) : new TunnelAgent(proxy.url, secure),
  });
}

type TunnelRequest = Parameters<HttpsProxyAgent<string>['connect']>[0];
type TunnelOptions = Parameters<HttpsProxyAgent<string>['connect']>[1];

/** Adds to the error of an untrusted certificate who issued it: the authority that the user has to add. */
class NamingAgent extends HttpsAgent {
  override createConnection(...given: Parameters<HttpsAgent['createConnection']>) {
    const socket = super.createConnection(...given);
    if (socket instanceof TLSSocket) nameIssuer(socket);
    return socket;
  }
}

function nameIssuer(socket: TLSSocket): void {
  let issuer: string | undefined;
  // Before Node's own listener, which ends the connection and with it the certificate.
  socket.prependListener('secure', () => {
    issuer = lastIssuer(socket.getPeerCertificate(true));
  });
  socket.prependListener('error', (error: Error) => {
    if (issuer !== undefined && UNTRUSTED_CERTIFICATE.has(codeOf(error))) error.message += `; issued by ${issuer}`;
  });
}

function codeOf(error: Error): string {
  return String((error as { code?: unknown }).code);
}

/** The issuer of the last certificate that the server sent: the authority itself, or the one above it. */
function lastIssuer(certificate: DetailedPeerCertificate): string | undefined {
  let last = certificate;
  while (last.issuerCertificate && last.issuerCertificate !== last) last = last.issuerCertificate;
  const { CN, O } = last.issuer ?? {};
  return [CN, O].filter((part) => part !== undefined).join(', ') || undefined;
}

/**
 * A tunnel through the proxy. The library uses the authorities for the proxy alone, and passes on an answer other than 200
 * as if AWS had sent it: a proxy's 403 would read as a denied permission.
 */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #ca: string | undefined;

  constructor(proxy: URL, options: { readonly keepAlive: boolean; readonly maxSockets: number; readonly ca?: string }) {
    super(proxy.href, options);
    this.#ca = options.ca;
  }

  override async connect(request: TunnelRequest, options: TunnelOptions) {
    let status = 200;
    request.once('proxyConnect', (answer: { readonly statusCode: number }) => {
      status = answer.statusCode;
    });
    const trust = { rejectUnauthorized: true, ...(this.#ca === undefined ? {} : { ca: this.#ca }) };
    const trusting = { ...options, ...trust } as TunnelOptions;
    const socket = await super.connect(request, trusting);
    if (status === 200) return socket;
    socket.destroy();
    throw proxyError(status);
  }
}

function proxyError(status: number): Error {
  const wanted = status === 407 ? 'the proxy requires a user and password' : 'the proxy refused the connection';
  return Object.assign(new Error(`${wanted} (HTTP ${status})`), { code: 'EPROXY' });
}
