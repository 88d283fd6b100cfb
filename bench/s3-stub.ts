import { createServer, type Socket } from 'node:net';
import { PrefixLimits } from './prefix-limits';

/**
 * An S3 that does just enough to be measured against: versions of one bucket or many, each under an old or a new key, no content, no
 * signatures checked, every answer after a fixed latency, and S3's limits for each prefix where they are asked for. It stands in a
 * process of its own, so that the client is the only thing measured. The embedded endpoint checks and encrypts everything and
 * would itself be the limit.
 *
 * Arguments: the setup as JSON.
 */
export interface StubSetup {
  /** Objects of all buckets together. */
  readonly objects: number;
  /** Milliseconds. */
  readonly latency: number;
  /** Prefixes of each bucket that the objects are spread over evenly. Default 1, which is none. */
  readonly prefixes?: number | undefined;
  /** Buckets `b0`, `b1`, …; absent: one that is called `b`. */
  readonly buckets?: number | undefined;
  /** Requests a second that each prefix accepts; absent: any number. */
  readonly limits?: { readonly reads: number; readonly writes: number } | undefined;
}

/** What the stub has answered so far, on `GET /stub-requests`. */
export interface StubReport {
  readonly requests: number;
  /** Of them answered with SlowDown. */
  readonly refused: number;
  /** Seconds that S3's limits need for the others, of the slowest prefix; 0 without limits. */
  readonly boundSeconds: number;
}

const setup = JSON.parse(process.argv[2] ?? '{}') as StubSetup;
const { objects: count, latency, prefixes = 1, buckets = 1 } = setup;
/** One byte a version: 0 under the old key, 1 under the new. */
const state = new Uint8Array(count);
const perBucket = count / buckets;
const perPrefix = perBucket / prefixes;
const limits = setup.limits && new PrefixLimits(setup.limits, prefixes * buckets);
const OLD = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000a';
const NEW = 'arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-4000-8000-00000000000b';
const DAY_AGO = new Date(Date.now() - 86_400_000);
const [MODIFIED_HTTP, MODIFIED] = [DAY_AGO.toUTCString(), DAY_AGO.toISOString()];
let requests = 0;
let refused = 0;

/** The key of an object of a bucket, by its place among the bucket's keys. */
function nameOf(at: number): string {
  const name = `k${String(at).padStart(9, '0')}`;
  return prefixes === 1 ? name : `p${String(Math.floor(at / perPrefix)).padStart(2, '0')}/${name}`;
}

const placeOf = (path: string) => Number(/k(\d{9})/.exec(path)?.[1] ?? Number.NaN);
const bucketName = (bucket: number) => (buckets === 1 ? 'b' : `b${bucket}`);
const bucketOf = (path: string) => (buckets === 1 ? 0 : Number(/^\/b(\d+)/.exec(path)?.[1] ?? 0));

/** The first of a bucket's objects behind a marker, which need not be a key. */
function firstBehind(marker: string): number {
  let [low, high] = [0, perBucket];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nameOf(middle) <= marker) low = middle + 1;
    else high = middle;
  }
  return low;
}

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
    `HTTP/1.1 200 OK\r\nDate: ${date}\r\nx-amz-request-id: R\r\nLast-Modified: ${MODIFIED_HTTP}\r\nETag: "${at}"\r\n` +
    `x-amz-server-side-encryption: aws:kms\r\nx-amz-server-side-encryption-aws-kms-key-id: ${key}\r\n` +
    `x-amz-server-side-encryption-bucket-key-enabled: true\r\nAccept-Ranges: bytes\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n`
  );
}

function pageOf(bucket: number, from: number, size: number, tag: 'Version' | 'Contents'): string {
  const end = Math.min(from + size, perBucket);
  const own = tag === 'Version' ? '<VersionId>null</VersionId><IsLatest>true</IsLatest>' : '';
  let entries = '';
  for (let at = from; at < end; at += 1) {
    const etag = bucket * perBucket + at;
    entries += `<${tag}><Key>${nameOf(at)}</Key>${own}<LastModified>${MODIFIED}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>1024</Size><StorageClass>STANDARD</StorageClass></${tag}>`;
  }
  const isMore = end < perBucket;
  const truncated = `<IsTruncated>${isMore}</IsTruncated>`;
  if (tag === 'Contents') {
    const next = isMore ? `<NextContinuationToken>${nameOf(end - 1)}</NextContinuationToken>` : '';
    return `<?xml version="1.0"?><ListBucketResult><Name>${bucketName(bucket)}</Name>${truncated}${next}${entries}</ListBucketResult>`;
  }
  const next = isMore
    ? `<NextKeyMarker>${nameOf(end - 1)}</NextKeyMarker><NextVersionIdMarker>null</NextVersionIdMarker>`
    : '';
  return `<?xml version="1.0"?><ListVersionsResult><Name>${bucketName(bucket)}</Name>${truncated}${next}${entries}</ListVersionsResult>`;
}

/** Lists what follows a marker. `prefix` is heeded only as far as it is a whole key, which is how single keys are listed. */
function list(path: string): string {
  const query = new URLSearchParams(path.slice(path.indexOf('?') + 1));
  const size = Math.min(1000, Number(query.get('max-keys') ?? 1000));
  const after = query.get('key-marker') ?? query.get('continuation-token') ?? query.get('start-after') ?? '';
  const from = after === '' ? 0 : firstBehind(after);
  const body = pageOf(bucketOf(path), Math.min(from, perBucket), size, query.has('versions') ? 'Version' : 'Contents');
  return answer('200 OK', 'Content-Type: application/xml\r\n', body);
}

const CALLER =
  '<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>U</UserId>' +
  '<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>';

function handle(method: string, path: string): string {
  if (method === 'GET' && path === '/stub-requests') {
    const report: StubReport = { requests, refused, boundSeconds: limits?.boundSeconds ?? 0 };
    return answer('200 OK', '', JSON.stringify(report));
  }
  // STS: a process that moves objects asks whose credentials it has.
  if (method === 'POST') return answer('200 OK', 'Content-Type: text/xml\r\n', CALLER);
  requests += 1;
  const place = placeOf(path);
  const bucket = bucketOf(path);
  if (limits && !Number.isNaN(place)) {
    const prefix = bucket * prefixes + Math.min(prefixes - 1, Math.floor(place / perPrefix));
    if (!limits.accept(prefix, method === 'PUT' ? 'writes' : 'reads')) {
      refused += 1;
      const body = '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';
      return answer('503 Slow Down', '', method === 'HEAD' ? '' : body);
    }
  }
  return answerTo(method, path, bucket * perBucket + place);
}

function answerTo(method: string, path: string, at: number): string {
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
      `<ListMultipartUploadsResult><Bucket>${bucketName(bucketOf(path))}</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`,
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
  if (method === 'GET' && !Number.isNaN(at))
    return answer('206 Partial Content', 'Content-Range: bytes 0-0/1024\r\n', 'x');
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
