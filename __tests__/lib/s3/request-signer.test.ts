import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { RequestSigner } from '../../../lib/s3/request-signer';
import { encodeKey, encodeQuery } from '../../../lib/s3/uri-encoding';

/** The hash that the second implementation asks for. */
class Sha256 {
  readonly #hash;
  constructor(secret?: Uint8Array | string) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data as Buffer);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter((text) => !hasLoneSurrogate(text));
const query = fc.dictionary(fc.constantFrom('versionId', 'encryption', 'key-marker', 'x-id', 'versions'), key);
const day = { min: new Date('2020-01-01T00:00:00Z'), max: new Date('2035-01-01T00:00:00Z'), noInvalidDate: true };

function hasLoneSurrogate(text: string): boolean {
  return /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}

function inPairs(flat: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) pairs[flat[at] ?? ''] = flat[at + 1] ?? '';
  return pairs;
}

describe('the signature of the direct S3 client', () => {
  it("is the SDK's, for any key, query, session token and time", async () => {
    await fc.assert(
      fc.asyncProperty(
        key,
        query,
        fc.option(fc.base64String({ minLength: 4 }), { nil: undefined }),
        fc.date(day),
        fc.constantFrom('GET', 'HEAD', 'PUT'),
        async (name, parameters, sessionToken, at, method) => {
          const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret', ...(sessionToken && { sessionToken }) };
          const payloadSha256 = createHash('sha256').update('body').digest('hex');
          const path = `/bucket/${encodeKey(name)}`;
          const host = '127.0.0.1:4566';
          const headers = { 'if-match': '"e"', 'x-amz-storage-class': 'STANDARD' };

          const ours = new RequestSigner('eu-central-1').sign(
            { method, path, query: encodeQuery(parameters), host, headers: Object.entries(headers), payloadSha256 },
            credentials,
            at.getTime(),
          );
          const theirs = await new SignatureV4({
            credentials,
            region: 'eu-central-1',
            service: 's3',
            sha256: Sha256 as never,
            uriEscapePath: false,
          }).sign(
            {
              method,
              protocol: 'http:',
              hostname: '127.0.0.1',
              path,
              query: parameters,
              headers: { ...headers, host, 'x-amz-content-sha256': payloadSha256 },
            },
            { signingDate: at },
          );
          expect(inPairs(ours)).toEqual(theirs.headers);
        },
      ),
    );
  });

  it('follows the credentials when they are renewed', () => {
    const signer = new RequestSigner('eu-central-1');
    const request = { method: 'GET', path: '/', query: '', host: 'h', headers: [], payloadSha256: 'x' };
    const at = Date.parse('2026-01-01T00:00:00Z');
    const first = signer.sign(request, { accessKeyId: 'A', secretAccessKey: 'one' }, at);
    const second = signer.sign(request, { accessKeyId: 'A', secretAccessKey: 'two' }, at);
    expect(second).not.toEqual(first);
    expect(signer.sign(request, { accessKeyId: 'A', secretAccessKey: 'one' }, at)).toEqual(first);
  });

  it('of requests that share a list of headers is that of one alone, whatever else of them differs', () => {
    const credentials = { accessKeyId: 'A', secretAccessKey: 'one' };
    const shared = [['if-match', '"e"']] as const;
    const request = { method: 'GET', path: '/', query: '', host: 'h', headers: shared, payloadSha256: 'x' };
    const at = Date.parse('2026-01-01T00:00:00Z');
    const signer = new RequestSigner('eu-central-1');
    const others = [
      { path: '/a' },
      { query: 'versions=' },
      { method: 'PUT' },
      { host: 'other' },
      { payloadSha256: 'y' },
    ];
    for (const other of [{}, ...others, {}]) {
      for (const when of [at, at + 1000]) {
        const alone = new RequestSigner('eu-central-1').sign({ ...request, ...other }, credentials, when);
        expect(signer.sign({ ...request, ...other }, credentials, when)).toEqual(alone);
      }
    }
  });
});
