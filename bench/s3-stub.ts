import { createServer, type Socket } from 'node:net';

/**
 * An S3 that does just enough to be measured against: versions of one flat bucket, each under an old or a new key, no
 * content, no signatures checked, every answer after a fixed latency. It stands in a process of its own, so that the
 * client is the only thing measured. The embedded endpoint checks and encrypts everything and would itself be the limit.
 */

const [count, latency] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 20)];
/** One byte a version: 0 under the old key, 1 under the new. */
const state = new Uint8Array(count);
const OLD = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000a';
const NEW = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';
const DAY_AGO = new Date(Date.now() - 86_400_000);
let requests = 0;

const nameOf = (at: number) => `k${String(at).padStart(9, '0')}`;
const numberOf = (key: string) => Number(/k(\d{9})/.exec(key)?.[1] ?? Number.NaN);

let date = new Date().toUTCString();
setInterval(() => {
  date = new Date().toUTCString();
}, 500).unref();

function answer(status: string, headers: string, body = ''): string {
  return `HTTP/1.1 ${status}\r\nDate: ${date}\r\nx-amz-request-id: R\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function head(at: number): string {
  const key = state[at] === 1 ? NEW : OLD;
  return (
    `HTTP/1.1 200 OK\r\nDate: ${date}\r\nx-amz-request-id: R\r\nLast-Modified: ${DAY_AGO.toUTCString()}\r\nETag: "${at}"\r\n` +
    `x-amz-server-side-encryption: aws:kms\r\nx-amz-server-side-encryption-aws-kms-key-id: ${key}\r\n` +
    `x-amz-server-side-encryption-bucket-key-enabled: true\r\nAccept-Ranges: bytes\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n`
  );
}

function pageOf(from: number, to: number, size: number, tag: 'Version' | 'Contents'): string {
  const end = Math.min(from + size, to);
  const modified = DAY_AGO.toISOString();
  const own = tag === 'Version' ? '<VersionId>null</VersionId><IsLatest>true</IsLatest>' : '';
  let entries = '';
  for (let at = from; at < end; at += 1) {
    entries += `<${tag}><Key>${nameOf(at)}</Key>${own}<LastModified>${modified}</LastModified><ETag>&quot;${at}&quot;</ETag><Size>1024</Size><StorageClass>STANDARD</StorageClass></${tag}>`;
  }
  const truncated = `<IsTruncated>${end < to}</IsTruncated>`;
  if (tag === 'Contents') {
    const next = end < to ? `<NextContinuationToken>${nameOf(end - 1)}</NextContinuationToken>` : '';
    return `<?xml version="1.0"?><ListBucketResult><Name>b</Name>${truncated}${next}${entries}</ListBucketResult>`;
  }
  const next =
    end < to ? `<NextKeyMarker>${nameOf(end - 1)}</NextKeyMarker><NextVersionIdMarker>null</NextVersionIdMarker>` : '';
  return `<?xml version="1.0"?><ListVersionsResult><Name>b</Name>${truncated}${next}${entries}</ListVersionsResult>`;
}

function list(path: string): string {
  const query = new URLSearchParams(path.slice(path.indexOf('?') + 1));
  const size = Math.min(1000, Number(query.get('max-keys') ?? 1000));
  const after = query.get('key-marker') ?? query.get('continuation-token') ?? query.get('start-after') ?? '';
  // A marker need not be a key: the first name behind it counts.
  let from = after === '' ? 0 : numberOf(after) + 1;
  if (Number.isNaN(from)) from = after < 'k' ? 0 : count;
  const body = pageOf(Math.min(from, count), count, size, query.has('versions') ? 'Version' : 'Contents');
  return answer('200 OK', 'Content-Type: application/xml\r\n', body);
}

function handle(method: string, path: string): string {
  const at = numberOf(path);
  if (method === 'GET' && path === '/stub-requests') return answer('200 OK', '', String(requests));
  requests += 1;
  if (method === 'HEAD') return Number.isNaN(at) ? answer('200 OK', '') : head(at);
  if (method === 'GET' && /[?&](versions|list-type)/.test(path)) return list(path);
  if (method === 'GET' && path.includes('?annotation')) {
    return answer(
      '501 Not Implemented',
      '',
      '<Error><Code>NotImplemented</Code><Message>no annotations</Message></Error>',
    );
  }
  if (method === 'GET' && path.includes('versioning')) return answer('200 OK', '', '<VersioningConfiguration/>');
  if (method === 'GET' && path.includes('uploads')) {
    return answer(
      '200 OK',
      '',
      '<ListMultipartUploadsResult><Bucket>b</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>',
    );
  }
  if (method === 'PUT' && path.includes('keyturn-probe'))
    return answer('404 Not Found', '', '<Error><Code>NoSuchKey</Code></Error>');
  if (method === 'PUT') {
    state[at] = 1;
    if (path.includes('encryption')) return answer('200 OK', '');
    return answer(
      '200 OK',
      '',
      `<CopyObjectResult><ETag>&quot;${at}&quot;</ETag><LastModified>${new Date().toISOString()}</LastModified></CopyObjectResult>`,
    );
  }
  return answer('501 Not Implemented', '', '<Error><Code>NotImplemented</Code></Error>');
}

/** Answers wait here for their time; one timer serves all. */
const due: { at: number; socket: Socket; text: string }[] = [];
let sent = 0;
setInterval(() => {
  const now = performance.now();
  while (sent < due.length) {
    const next = due[sent];
    if (!next || next.at > now) break;
    if (!next.socket.destroyed) next.socket.write(next.text, 'latin1');
    sent += 1;
  }
  if (sent > 4096) {
    due.splice(0, sent);
    sent = 0;
  }
}, 1);

const server = createServer((socket) => {
  let pending = '';
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1');
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(pending.slice(0, end));
      const total = end + 4 + Number(length?.[1] ?? 0);
      if (pending.length < total) return;
      const [method = '', path = ''] = pending.slice(0, pending.indexOf('\r\n')).split(' ');
      pending = pending.slice(total);
      due.push({ at: performance.now() + latency, socket, text: handle(method, path) });
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
