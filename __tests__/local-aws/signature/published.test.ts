import { createCredentials } from '../../../local-aws/credentials';
import { fromTimestamp, readAuthorization } from '../../../local-aws/signature/authorization-header';
import { type Signable, sha256Hex } from '../../../local-aws/signature/canonical';
import { decodeChunked } from '../../../local-aws/signature/chunked';
import { parseQuery } from '../../../local-aws/signature/encoding';
import { createVerifier, type Verified } from '../../../local-aws/signature/verify';

/**
 * The examples that AWS publishes with their signatures:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 * and the `aws-sig-v4-test-suite` for everything that is not S3.
 */
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const empty = sha256Hex('');

function verify(request: Signable, payloadHash: string, accessKeyId: string, secretAccessKey: string): Verified {
  const authorization = readAuthorization(request.headers, new Map(parseQuery(request.rawQuery)));
  if (authorization === undefined) throw new Error('the example is not signed');
  const clock = { now: () => fromTimestamp(authorization.timestamp) };
  const credentials = createCredentials('123456789012', clock, { accessKeyId, secretAccessKey });
  return createVerifier(credentials, ['us-east-1'], clock, clock)(request, authorization, payloadHash);
}

interface Example {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly hash?: string;
  readonly signature: string;
}

const s3Examples: readonly Example[] = [
  {
    name: 'GET object with a range',
    method: 'GET',
    path: '/test.txt',
    headers: { range: 'bytes=0-9' },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'PUT object with a $ in its name',
    method: 'PUT',
    path: '/test%24file.text',
    headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    hash: sha256Hex('Welcome to Amazon S3.'),
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET bucket lifecycle',
    method: 'GET',
    path: '/',
    query: 'lifecycle',
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'GET bucket listing',
    method: 'GET',
    path: '/',
    query: 'max-keys=2&prefix=J',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
];

describe('the examples of S3', () => {
  const accessKeyId = 'AKIAIOSFODNN7EXAMPLE';

  const signed = ({ method, path, query = '', headers = {}, hash = empty, signature }: Example): Signable => {
    const all = {
      host: 'examplebucket.s3.amazonaws.com',
      'x-amz-content-sha256': hash,
      'x-amz-date': '20130524T000000Z',
      ...headers,
    };
    const names = Object.keys(all).sort().join(';');
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${names},Signature=${signature}`;
    return { method, rawPath: path, rawQuery: query, headers: { ...all, authorization } };
  };

  it.each(s3Examples)('verify: $name', (example) => {
    expect(() => verify(signed(example), example.hash ?? empty, accessKeyId, secret)).not.toThrow();
  });

  it.each(s3Examples)('fails when the last digit differs: $name', (example) => {
    const digit = example.signature.endsWith('0') ? '1' : '0';
    const other = { ...example, signature: example.signature.slice(0, -1) + digit };
    expect(() => verify(signed(other), example.hash ?? empty, accessKeyId, secret)).toThrow(
      expect.objectContaining({ code: 'SignatureDoesNotMatch', status: 403 }),
    );
  });

  it('verify: a presigned GET', () => {
    const scope = 'AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request';
    const rawQuery = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${scope}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`;
    const headers = { host: 'examplebucket.s3.amazonaws.com' };
    const request = { method: 'GET', rawPath: '/test.txt', rawQuery, headers };
    expect(() => verify(request, 'UNSIGNED-PAYLOAD', accessKeyId, secret)).not.toThrow();
  });
});

describe('the chunked upload of S3', () => {
  const hash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
  const headers = {
    host: 's3.amazonaws.com',
    'x-amz-date': '20130524T000000Z',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    'x-amz-content-sha256': hash,
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': '66560',
    'content-length': '66824',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  };
  const request = { method: 'PUT', rawPath: '/examplebucket/chunkObject.txt', rawQuery: '', headers };
  const chunks = [
    ['10000', 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648', 65_536],
    ['400', '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497', 1_024],
    ['0', 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9', 0],
  ] as const;
  const body = chunks
    .map(([size, signature, length]) => `${size};chunk-signature=${signature}\r\n${'a'.repeat(length)}\r\n`)
    .join('');

  const decode = (text: string) =>
    decodeChunked(Buffer.from(text), {
      signed: verify(request, hash, 'AKIAIOSFODNN7EXAMPLE', secret),
      declaredTrailers: undefined,
      decodedLength: 66_560,
    });

  it('is decoded, every chunk verified', () => {
    expect(body).toHaveLength(66_824);
    expect(decode(body).body.equals(Buffer.alloc(66_560, 'a'))).toBe(true);
  });

  it('fails when one byte of a chunk differs', () => {
    expect(() => decode(body.replace('aaab', 'aaaa').replace(/a\r\n400/, 'b\r\n400'))).toThrow(
      expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
    );
  });

  it('fails when a chunk is left out', () => {
    const [first, second] = body.split(/(?=400;chunk)/);
    const end = second?.slice(second.indexOf('\r\n0;') + 2);
    expect(() => decode(`${first}${end}`)).toThrow(expect.objectContaining({ code: 'SignatureDoesNotMatch' }));
  });

  it('fails when the body ends early', () => {
    expect(() => decode(body.slice(0, 70_00))).toThrow(expect.objectContaining({ code: 'IncompleteBody' }));
  });
});

describe('the chunked upload of S3 with a signed trailer', () => {
  const hash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
  const headers = {
    host: 's3.amazonaws.com',
    'x-amz-date': '20130524T000000Z',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    'x-amz-content-sha256': hash,
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': '66560',
    'x-amz-trailer': 'x-amz-checksum-crc32c',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
  };
  const request = { method: 'PUT', rawPath: '/examplebucket/chunkObject.txt', rawQuery: '', headers };
  const chunks = [
    ['10000', 'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2', 65_536],
    ['400', '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7', 1_024],
  ] as const;
  const last = '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n';
  // The page prints another trailer signature, which does not follow from its own string to sign; this one does.
  const signature = 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435';
  const framed = chunks.map(([size, chunk, length]) => `${size};chunk-signature=${chunk}\r\n${'a'.repeat(length)}\r\n`);

  const decode = (trailer: string) =>
    decodeChunked(Buffer.from(`${framed.join('')}${last}${trailer}\r\n\r\n`), {
      signed: verify(request, hash, 'AKIAIOSFODNN7EXAMPLE', secret),
      declaredTrailers: ['x-amz-checksum-crc32c'],
      decodedLength: 66_560,
    });

  it('is decoded, chunks and trailer verified', () => {
    const decoded = decode(`x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:${signature}`);
    expect(decoded.trailers).toEqual({ 'x-amz-checksum-crc32c': 'sOO8/Q==' });
  });

  it.each([
    [
      'another checksum',
      `x-amz-checksum-crc32c:sOO8/A==\r\nx-amz-trailer-signature:${signature}`,
      'SignatureDoesNotMatch',
    ],
    ['no signature', 'x-amz-checksum-crc32c:sOO8/Q==', 'SignatureDoesNotMatch'],
    ['another name', `x-amz-checksum-crc32:sOO8/Q==\r\nx-amz-trailer-signature:${signature}`, 'MalformedTrailerError'],
    ['no trailer at all', '', 'MalformedTrailerError'],
  ])('fails with %s in the trailer', (_, trailer, code) => {
    expect(() => decode(trailer)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the test suite for other services', () => {
  const accessKeyId = 'AKIDEXAMPLE';
  const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  const base = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' };

  const suite: readonly (readonly [string, string, string, string, string])[] = [
    ['get-vanilla', 'GET', '/', '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '/', '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/',
      'Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    ['get-slash', 'GET', '//', '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-relative', 'GET', '/example/..', '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ];

  it.each(suite)('verifies %s', (_, method, rawPath, rawQuery, signature) => {
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`;
    const request = { method, rawPath, rawQuery, headers: { ...base, authorization } };
    expect(() => verify(request, empty, accessKeyId, secretAccessKey)).not.toThrow();
  });
});
