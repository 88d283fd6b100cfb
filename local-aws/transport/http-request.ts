import type { IncomingMessage } from 'node:http';
import type { Signable } from '../signature/canonical';

/** Splits an incoming request into the parts that signatures and services read. */
export function readHead(request: IncomingMessage): Signable {
  const url = withoutAuthority(request.url ?? '/');
  const question = url.indexOf('?');
  return {
    method: request.method ?? 'GET',
    rawPath: question === -1 ? url : url.slice(0, question),
    rawQuery: question === -1 ? '' : url.slice(question + 1),
    headers: joinHeaders(request.rawHeaders),
  };
}

/** The absolute form is what a client sends to a proxy; the signature covers the path alone. */
function withoutAuthority(url: string): string {
  const path = /^https?:\/\/[^/?]*(.*)$/i.exec(url)?.[1];
  if (path === undefined) return url;
  return path.startsWith('/') ? path : `/${path}`;
}

/**
 * Node drops repeats of some headers and joins others with a blank: the signature covers all of them, joined with `,`.
 * Header bytes are UTF-8 for AWS, Node reads them as Latin-1.
 */
function joinHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = decodeUtf8(raw[index + 1] ?? '');
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before},${value}`;
  }
  return headers;
}

function decodeUtf8(value: string): string {
  return /[\u0080-\u00ff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

const nothing = Buffer.alloc(0);

/** Reads the body to its end. Rejects when the client goes away before that. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && (length === undefined || length === '0')) return nothing;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}
