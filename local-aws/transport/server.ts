import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AwsResponse, Clock } from '../message';
import { fromBrowser } from './browser-guard';
import { readBody, readHead } from './http-request';
import type { Outcome, Pipeline } from './pipeline';

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens for HTTP on `host`. `clock` is the time of the `Date` header, which SDKs set their own clocks by. */
export async function listen(pipeline: Pipeline, clock: Clock, host: string, port: number): Promise<Listening> {
  const server = createServer({ keepAlive: true, noDelay: true }, (request, response) => {
    handle(pipeline, clock, request, response).catch(() => request.socket.destroy());
  });
  // A client that reuses a connection just as the server gives it up sees a reset: keep idle ones for long.
  server.keepAliveTimeout = 300_000;
  server.requestTimeout = 0;
  server.listen(port, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

async function handle(
  pipeline: Pipeline,
  clock: Clock,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => undefined);
  const because = fromBrowser(request.headers, request.headers.host ?? '');
  if (because !== undefined) {
    refuse(request, response, because);
    return;
  }
  let body: Buffer;
  try {
    body = await readBody(request);
  } catch {
    request.destroy();
    return;
  }
  const outcome = await pipeline(readHead(request), body);
  if (outcome.kind === 'reset') request.socket.resetAndDestroy();
  else send(request, response, outcome, clock);
}

/** Refuses before anything is read: what a browser sends gets no answer in a service's protocol. */
function refuse(request: IncomingMessage, response: ServerResponse, because: string): void {
  request.resume();
  response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`This endpoint does not answer web pages: ${because}.\n`);
}

type Answer = Extract<Outcome, { kind: 'answer' }>;

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { response: answer, truncateAt }: Answer,
  clock: Clock,
): void {
  response.sendDate = false;
  const body = answer.body ?? '';
  const head = headersOf(answer, body, clock);
  response.writeHead(answer.status, head);
  if (truncateAt === undefined) {
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  response.write(Buffer.from(body).subarray(0, truncateAt), () => request.socket.destroy());
}

/** The headers of an answer as they go over the wire. */
export function headersOf(answer: AwsResponse, body: Buffer | string, clock: Clock): Record<string, string | number> {
  const headers: Record<string, string | number> = { date: httpDate(clock.now()) };
  for (const [name, value] of Object.entries(answer.headers ?? {})) headers[name.toLowerCase()] = toLatin1(value);
  if (answer.status !== 204 && answer.status !== 304) headers['content-length'] ??= Buffer.byteLength(body);
  return headers;
}

/** Node writes header values as Latin-1 and refuses more: the UTF-8 bytes go through one by one. */
function toLatin1(value: string): string {
  return /[\u0080-\uffff]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
}

let dated = { second: 0, text: '' };

function httpDate(now: number): string {
  const second = Math.floor(now / 1000);
  if (dated.second !== second) dated = { second, text: new Date(now).toUTCString() };
  return dated.text;
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
