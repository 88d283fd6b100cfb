import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LocalAws } from '../../local-aws';
import { readBody, readHead } from '../../local-aws/transport/http-request';
import { headersOf } from '../../local-aws/transport/server';

/** One answer of AWS, as it is on its way to Keyturn. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One request, and what a lie may use to answer it. */
export interface Asked {
  /** As the API reference names it. */
  readonly operation: string;
  /** `direct`: by Keyturn's own client. `sdk`: by the AWS SDK. */
  readonly path: 'direct' | 'sdk';
  readonly method: string;
  readonly url: string;
  /** Chooses an element, a header value, … of the answer. */
  readonly pick: number;
  /** The first answer to the same method and URL; the present one, if it is the first. */
  readonly first: Answer;
  /** The answers to earlier requests of the operation. */
  readonly earlier: readonly Answer[];
  readonly facts: LiarFacts;
}

/** What a lie may name. */
export interface LiarFacts {
  readonly oldKeyArn: string;
  readonly activeKeyArn: string;
  readonly otherKeyArn: string;
}

export interface Lie {
  readonly name: string;
  /** The operations whose answers it changes; absent: all. */
  readonly of?: readonly string[];
  /** The lie may be told again and again, but to one client only: told to both, nobody could tell it from the truth. */
  readonly lasting?: boolean;
  /** True: the request never reaches AWS. */
  readonly withheld?: boolean;
  tell(answer: Answer, asked: Asked): Answer;
}

/** When a lie is told. */
export interface Telling {
  readonly lie: Lie;
  /** Told to the n-th request that it is about, from 1. */
  readonly nth: number;
  /** Told from then on, to one client, or to everybody: an endpoint that is wrong, and not a liar. */
  readonly to: 'direct' | 'sdk' | 'once' | 'all';
  readonly pick: number;
}

/** One case: who is lied about, the lie, and who else acts meanwhile. */
export interface LiarCase {
  readonly aws: Pick<LocalAws, 'answer'>;
  readonly facts: LiarFacts;
  readonly telling: Telling | undefined;
  /** Called before each request is passed on. */
  readonly before: (asked: Pick<Asked, 'operation' | 'path'>) => Promise<void>;
}

export interface Liar extends AsyncDisposable {
  readonly url: string;
  /** Begins a case: forgets everything, and tells this lie. */
  begin(next: LiarCase): void;
  /** How often the lie was told since. */
  told(): number;
}

const TRUTH: Telling = { lie: { name: 'none', of: [], tell: (answer) => answer }, nth: 1, to: 'once', pick: 0 };
/** Entries of a listing page: small buckets have several pages too. */
const PAGE = 3;

/** A proxy that passes requests on as they were signed, and lies about the answers. */
export async function startLiar(): Promise<Liar> {
  let current: LiarCase | undefined;
  let [matched, told] = [0, 0];
  let history: { operation: string; line: string; answer: Answer }[] = [];

  const isTold = ({ operation, path }: Pick<Asked, 'operation' | 'path'>, { lie, nth, to }: Telling): boolean => {
    if (lie.of && !lie.of.includes(operation)) return false;
    if (to !== 'once' && to !== 'all' && to !== path) return false;
    matched += 1;
    return to === 'once' ? matched === nth : matched >= nth;
  };
  const answerTo = async (incoming: IncomingMessage): Promise<Answer> => {
    if (!current) throw new Error('no case has begun');
    const { aws, facts, telling = TRUTH, before } = current;
    const body = await readBody(incoming);
    const [method, url] = [incoming.method ?? 'GET', incoming.url ?? '/'];
    const path = incoming.headers['amz-sdk-invocation-id'] === undefined ? 'direct' : 'sdk';
    const operation = operationOf(incoming);
    await before({ operation, path });
    const lies = isTold({ operation, path }, telling);
    const withheld = lies && telling.lie.withheld === true;
    const passed = withheld ? { status: 200, headers: {}, body: '' } : await passOn(aws, incoming, body);
    const truth = operation === 'ListObjectVersions' ? shortPage(passed) : passed;
    const line = `${method} ${url}`;
    const earlier = history.filter((one) => one.operation === operation).map((one) => one.answer);
    const first = history.find((one) => one.line === line)?.answer ?? truth;
    history.push({ operation, line, answer: truth });
    if (!lies) return truth;
    told += 1;
    return telling.lie.tell(truth, { operation, path, method, url, pick: telling.pick, first, earlier, facts });
  };
  const server = createServer((incoming, outgoing) => {
    answerTo(incoming).then(
      (answer) => send(incoming, outgoing, answer),
      () => incoming.socket.destroy(),
    );
  });
  server.keepAliveTimeout = 300_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    begin(next) {
      current = next;
      [matched, told] = [0, 0];
      history = [];
    },
    told: () => told,
    [Symbol.asyncDispose]: () => closed(server),
  };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function passOn({ answer }: LiarCase['aws'], incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const outcome = await answer(readHead(incoming), body);
  if (outcome.kind === 'reset') throw new Error('AWS drops the connection');
  const { response } = outcome;
  const sent = Buffer.from(response.body ?? '');
  const headers = Object.entries(headersOf(response, sent, { now: Date.now }));
  return {
    status: response.status,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
    body: sent.toString('latin1'),
  };
}

/** A body that was changed is sent with its new length; that of a HEAD names the object's. */
function send(incoming: IncomingMessage, outgoing: ServerResponse, { status, headers, body }: Answer): void {
  const { 'content-length': length, 'transfer-encoding': _coding, connection: _connection, ...rest } = headers;
  const bytes = Buffer.from(body, 'latin1');
  const size = incoming.method === 'HEAD' && length !== undefined ? length : String(bytes.length);
  outgoing.sendDate = false;
  outgoing.writeHead(status, { ...rest, 'content-length': size });
  outgoing.end(incoming.method === 'HEAD' ? undefined : bytes);
}

/** The operation of a request, as far as post-apply sends it. */
function operationOf({ method = 'GET', url = '/', headers }: IncomingMessage): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target.split('.').at(-1) ?? 'Unknown';
  const { pathname, searchParams } = new URL(url, 'http://host');
  const hasKey = pathname.split('/').filter((part) => part !== '').length > 1;
  if (method === 'HEAD') return hasKey ? 'HeadObject' : 'HeadBucket';
  if (method === 'GET' && searchParams.has('versions')) return 'ListObjectVersions';
  if (method === 'GET' && searchParams.has('uploads')) return 'ListMultipartUploads';
  if (method === 'GET' && searchParams.has('versioning')) return 'GetBucketVersioning';
  if (method === 'GET' && searchParams.has('annotation')) return 'ListObjectAnnotations';
  if (method === 'GET' && searchParams.has('encryption')) return 'GetBucketEncryption';
  if (method === 'PUT' && searchParams.has('encryption'))
    return hasKey ? 'UpdateObjectEncryption' : 'PutBucketEncryption';
  if (method === 'PUT' && headers['x-amz-copy-source'] !== undefined) return 'CopyObject';
  return method === 'GET' && hasKey ? 'GetObject' : 'Other';
}

/** Elements of a listing, in their order. */
export const ENTRY = /<(Version|DeleteMarker)>.*?<\/\1>/gs;

/** Cuts a listing to its first entries, as S3 may: fewer than were asked for, with the marker of the last one. */
function shortPage(answer: Answer): Answer {
  const entries = answer.body.match(ENTRY) ?? [];
  if (answer.status !== 200 || entries.length <= PAGE) return answer;
  const kept = entries.slice(0, PAGE);
  const last = kept.at(-1) ?? '';
  const text = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(last)?.[1] ?? '';
  const next = `<NextKeyMarker>${text('Key')}</NextKeyMarker><NextVersionIdMarker>${text('VersionId')}</NextVersionIdMarker>`;
  const body = answer.body
    .replace(ENTRY, '')
    .replace(/<Next(Key|VersionId)Marker>.*?<\/Next\1Marker>/gs, '')
    .replace(/<IsTruncated>\w+<\/IsTruncated>/, `<IsTruncated>true</IsTruncated>${next}`)
    .replace('</ListVersionsResult>', `${kept.join('')}</ListVersionsResult>`);
  return { ...answer, body };
}
