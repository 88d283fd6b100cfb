import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { openStore } from '../../../lib/s3/open-store';
import { createSdkStore } from '../../../lib/s3/sdk-store';
import type { ObjectStore } from '../../../lib/s3/store';
import { verifyBucket } from '../../../lib/verify/verify-bucket';
import type { LocalAws } from '../../../local-aws';
import { startTestAws } from '../../support/embedded-aws';

/** An S3 that ignores `encoding-type=url`, as some do: keys come as they are, and the answer names no encoding. */
const BUCKET = 'keys-as-they-are';
const KEYS = ['plain', 'a+b.pdf', '100%25.txt', '100%', 'x y'];

let endpoint: LocalAws;
let proxy: Server;
let s3: S3Client;

beforeAll(async () => {
  endpoint = await startTestAws();
  proxy = createServer(relay);
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const { region, accessKey: credentials } = endpoint;
  s3 = new S3Client({ endpoint: `http://127.0.0.1:${port}`, region, credentials, forcePathStyle: true });
  const CreateBucketConfiguration = { LocationConstraint: region as 'eu-west-1' };
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration }));
  for (const Key of KEYS) await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }));
});

afterAll(async () => {
  s3.destroy();
  await new Promise((resolve) => proxy.close(resolve));
  await endpoint.close();
});

it.each([
  ['the direct client', (client: S3Client) => openStore(client)],
  ['the SDK', (client: S3Client) => ({ store: createSdkStore(client), close: async () => {} })],
] as const)('counts every object under its own key by %s where the store does not encode keys', async (_how, open) => {
  const opened: { readonly store: ObjectStore; close(): Promise<void> } = open(s3);
  try {
    const activeKeyArn = 'arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-000000000000';
    const found = await verifyBucket(opened.store, { bucket: BUCKET, activeKeyArn });
    expect(found).toMatchObject({ objectVersions: KEYS.length, unknownTotal: 0, byKey: { 'SSE-S3': KEYS.length } });
  } finally {
    await opened.close();
  }
});

/** Passes a request on as it was signed, and takes the encoding out of the answer to a listing. */
function relay(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { hostname, port } = new URL(endpoint.url);
  const sent = request(
    { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        const text = body.includes('<ListVersionsResult') ? Buffer.from(unencoded(body.toString())) : body;
        const { 'content-length': length, 'transfer-encoding': _coding, ...headers } = answer.headers;
        const size = text === body && length !== undefined ? length : String(text.length);
        outgoing.writeHead(answer.statusCode ?? 500, { ...headers, 'content-length': size });
        outgoing.end(text);
      });
    },
  );
  incoming.pipe(sent);
}

function unencoded(xml: string): string {
  return xml
    .replace('<EncodingType>url</EncodingType>', '')
    .replace(
      /<Key>([^<]*)<\/Key>/g,
      (_all, key: string) => `<Key>${decodeURIComponent(key.replaceAll('+', ' '))}</Key>`,
    );
}
