import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type ServerHttp2Stream,
} from 'node:http2';
import { createConnection } from 'node:net';

const GET_SCHEMA = '/tfplugin5.Provider/GetSchema';
/** Fields of its answer that map a name to a schema: resources, data sources, functions, ephemeral resources. */
const NAMED_SCHEMAS = new Set([2, 3, 7, 8]);
const LENGTH_DELIMITED = 2;
/** How long a provider has to answer which schemas there are. It needs half a second of CPU time. */
const ANSWER_MS = 60_000;
/** In gRPC a message follows one byte that says whether it is compressed, and its length in four. */
const FRAME_HEADER = 5;

export interface SchemaRelay {
  close(): Promise<void>;
}

/**
 * Relays the plugin protocol between Terraform and a provider, each at a Unix socket. It answers one call by itself: which
 * schemas there are. It asks the provider once, and leaves out every resource and data source that is not named: Terraform
 * spends most of its CPU time on the schemas of 1,500 kinds that no stack here has. Terraform refuses a configuration with a
 * kind that is left out: it reports that the provider does not support it.
 *
 * @param kinds - names such as `aws_kms_alias`; read again for each answer, so that names may be added
 * @throws Error where the provider does not answer
 */
export async function relaySchemas(provider: string, socket: string, kinds: ReadonlySet<string>): Promise<SchemaRelay> {
  const upstream = connect('http://provider', { createConnection: () => createConnection(provider) });
  // What is under way then fails at its own stream.
  upstream.on('error', () => {});
  const schemas = await askForSchemas(upstream);
  const sessions = new Set<{ destroy(): void }>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session.on('close', () => sessions.delete(session))));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'] === GET_SCHEMA) answer(stream, frame(schemasOf(schemas, kinds)));
    else forward(upstream, stream, headers);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));
  return {
    close: () =>
      new Promise((resolve) => {
        upstream.destroy();
        for (const session of sessions) session.destroy();
        server.close(() => resolve());
      }),
  };
}

/** The answer to GetSchema with the named kinds alone, both as protobuf. @throws Error if it is not of that form */
export function schemasOf(message: Buffer, kinds: ReadonlySet<string>): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const tag = varint(message, at);
    const length = varint(message, tag.end);
    const end = length.end + length.value;
    if ((tag.value & 7) !== LENGTH_DELIMITED || end > message.length) throw new Error('these are no schemas');
    if (!NAMED_SCHEMAS.has(tag.value >> 3) || kinds.has(keyOf(message.subarray(length.end, end))))
      kept.push(message.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

/** A map's entry begins with its key: one tag, the length, the text. */
function keyOf(entry: Buffer): string {
  const length = varint(entry, 1);
  return entry.toString('utf8', length.end, length.end + length.value);
}

function varint(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = start, unit = 1; at < bytes.length; at += 1, unit *= 128) {
    const byte = bytes.readUInt8(at);
    value += (byte & 127) * unit;
    if (byte < 128) return { value, end: at + 1 };
  }
  throw new Error('a number is cut off');
}

function frame(message: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

async function askForSchemas(upstream: ClientHttp2Session): Promise<Buffer> {
  const headers = { ':method': 'POST', ':path': GET_SCHEMA, 'content-type': 'application/grpc', te: 'trailers' };
  const call = upstream.request(headers, { signal: AbortSignal.timeout(ANSWER_MS) });
  let status: unknown;
  call.on('trailers', (trailers) => {
    status = trailers['grpc-status'];
  });
  call.end(frame(Buffer.alloc(0)));
  const chunks: Buffer[] = [];
  for await (const chunk of call) chunks.push(chunk);
  if (status !== '0') throw new Error(`the provider answers GetSchema with gRPC status ${status}`);
  return Buffer.concat(chunks).subarray(FRAME_HEADER);
}

function answer(stream: ServerHttp2Stream, body: Buffer): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(body);
}

function forward(upstream: ClientHttp2Session, stream: ServerHttp2Stream, headers: Record<string, unknown>): void {
  const call = requestLike(upstream, headers);
  if (call === undefined) {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return;
  }
  stream.on('close', () => call.close(constants.NGHTTP2_CANCEL));
  call.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  let trailers = {};
  call.on('trailers', (received) => {
    trailers = received;
  });
  call.on('response', (received, flags) => {
    if (stream.closed || stream.destroyed) return;
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(received, { endStream, waitForTrailers: !endStream });
    if (endStream) return;
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    call.pipe(stream);
  });
  stream.pipe(call);
}

/** Undefined once the provider is gone. */
function requestLike(upstream: ClientHttp2Session, headers: Record<string, unknown>): ClientHttp2Stream | undefined {
  if (upstream.closed || upstream.destroyed) return undefined;
  const { ':path': path, 'content-type': type } = headers;
  return upstream.request({ ':method': 'POST', ':path': `${path}`, 'content-type': `${type}`, te: 'trailers' });
}
