import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { createCredentials, defaultAccessKey } from '../../../local-aws/credentials';
import { readAuthorization } from '../../../local-aws/signature/authorization-header';
import { type Signable, sha256Hex } from '../../../local-aws/signature/canonical';
import { parseQuery, uriEncode } from '../../../local-aws/signature/encoding';
import { createVerifier } from '../../../local-aws/signature/verify';
import { Sha256 } from '../../conformance/sha256';
import { runs } from '../../runner/slow';

const now = Date.UTC(2026, 10, 24, 12);
const clock = { now: () => now };
const region = 'eu-central-1';
const verify = createVerifier(createCredentials('123456789012', clock), [region], clock, clock);

const signer = (service: string) =>
  new SignatureV4({
    service,
    region,
    credentials: defaultAccessKey,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    applyChecksum: service === 's3',
  });

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const requests = fc.record({
  service: fc.constantFrom('s3', 'kms', 'sts'),
  method: fc.constantFrom('GET', 'PUT', 'POST', 'HEAD', 'DELETE'),
  segments: fc.array(text, { maxLength: 4 }),
  query: fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), text, { maxKeys: 4 }),
  headers: fc.dictionary(fc.stringMatching(/^x-amz-meta-[a-z]{1,6}$/), fc.stringMatching(/^[ -~]{0,20}$/), {
    maxKeys: 3,
  }),
  body: fc.uint8Array({ maxLength: 64 }),
});

type Request = typeof requests extends fc.Arbitrary<infer T> ? T : never;

async function sign({ service, method, segments, query, headers, body }: Request) {
  const path = `/${segments.map(uriEncode).join('/')}`;
  const request = {
    protocol: 'http:',
    hostname: 'localhost',
    method,
    path,
    query,
    headers: { host: 'localhost:1', ...headers },
    body,
  };
  const signed = await signer(service).sign(request, { signingDate: new Date(now) });
  const rawQuery = Object.entries(query).map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`);
  return { method, rawPath: path, rawQuery: rawQuery.join('&'), headers: lowerCase(signed.headers) };
}

const lowerCase = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function check(request: Signable, body: Uint8Array) {
  const authorization = readAuthorization(request.headers, new Map(parseQuery(request.rawQuery)));
  if (authorization === undefined) throw new Error('unsigned');
  return verify(request, authorization, sha256Hex(Buffer.from(body)));
}

it("accepts whatever the SDK's signer signs", async () => {
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      const { authorization } = check(await sign(request), request.body);
      expect(authorization).toMatchObject({ service: request.service, accessKeyId: defaultAccessKey.accessKeyId });
    }),
    { numRuns: runs(300) },
  );
});

it('fails when method, path, query, a header or the body is not what was signed', async () => {
  const changes = fc.constantFrom('method', 'path', 'query', 'header', 'body');
  await fc.assert(
    fc.asyncProperty(requests, changes, async (request, change) => {
      const signed = await sign(request);
      const altered = {
        method: change === 'method' ? `${signed.method}X` : signed.method,
        rawPath: change === 'path' ? `${signed.rawPath}x` : signed.rawPath,
        rawQuery: change === 'query' ? `${signed.rawQuery}&zz=1` : signed.rawQuery,
        headers: change === 'header' ? { ...signed.headers, host: 'localhost:2' } : signed.headers,
      };
      const body = change === 'body' ? Buffer.concat([request.body, Buffer.from('x')]) : request.body;
      expect(() => check(altered, body)).toThrow();
    }),
    { numRuns: runs(100) },
  );
});
