import { Refusal, refusal } from '../wire/refusal';
import { sha256Hex } from './canonical';
import { hmacHex, scopeText } from './signing-key';
import { sameText, type Verified } from './verify';

/** A request's body without its framing, and what followed it. */
export interface Payload {
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string>>;
}

/** How an aws-chunked body is framed, from the headers that announce it. */
export interface Framing {
  /** The request's own signature, which the chunk signatures are chained to; undefined for unsigned chunks. */
  readonly signed: Verified | undefined;
  /** Names from `x-amz-trailer`; undefined when the framing has no trailer. */
  readonly declaredTrailers: readonly string[] | undefined;
  readonly decodedLength: number;
}

/** Every chunk but the last must have this many bytes at least. */
const minChunk = 8192;
const emptyHash = sha256Hex('');

/**
 * Decodes an aws-chunked body and checks the signature of each chunk and of the trailer. Throws a {@link Refusal}.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
 */
export function decodeChunked(framed: Buffer, framing: Framing): Payload {
  const chain = framing.signed && signatureChain(framing.signed);
  const chunks: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const lineEnd = framed.indexOf('\r\n', offset);
    if (lineEnd === -1) throw incomplete();
    const { size, signature } = readChunkHeader(framed.toString('latin1', offset, lineEnd));
    const start = lineEnd + 2;
    const chunk = framed.subarray(start, start + size);
    if (chunk.length < size) throw incomplete();
    chain?.('PAYLOAD', `${emptyHash}\n${sha256Hex(chunk)}`, signature);
    offset = start + size;
    if (size === 0) break;
    const previous = chunks.at(-1);
    if (previous !== undefined && previous.length < minChunk) throw chunkTooSmall(chunks.length, previous.length);
    chunks.push(chunk);
    if (framed.toString('latin1', offset, offset + 2) !== '\r\n') throw incomplete();
    offset += 2;
  }
  const body = Buffer.concat(chunks);
  if (body.length !== framing.decodedLength) throw incomplete();
  return { body, trailers: readTrailers(framed.toString('utf8', offset), framing.declaredTrailers, chain) };
}

type Chain = (kind: 'PAYLOAD' | 'TRAILER', hashes: string, signature: string | undefined) => void;

/** Each signature covers the one before it, so chunks can be neither dropped, repeated nor swapped. */
function signatureChain({ authorization, signingKey }: Verified): Chain {
  let previous = authorization.signature;
  return (kind, hashes, signature) => {
    const toSign = `AWS4-HMAC-SHA256-${kind}\n${authorization.timestamp}\n${scopeText(authorization)}\n${previous}\n${hashes}`;
    const expected = hmacHex(signingKey, toSign);
    if (signature === undefined || !sameText(expected, signature)) {
      throw refusal('signatureMismatch', 's3', {
        AWSAccessKeyId: authorization.accessKeyId,
        StringToSign: toSign,
        SignatureProvided: signature ?? '',
      });
    }
    previous = expected;
  };
}

function readChunkHeader(line: string): { size: number; signature: string | undefined } {
  const match = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
  if (match?.[1] === undefined) throw incomplete();
  return { size: Number.parseInt(match[1], 16), signature: match[2] };
}

function readTrailers(
  text: string,
  declared: readonly string[] | undefined,
  chain: Chain | undefined,
): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (declared === undefined) {
    if (lines.length > 0) throw malformedTrailer();
    return {};
  }
  const trailers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw malformedTrailer();
    trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  const { 'x-amz-trailer-signature': signature, ...rest } = trailers;
  const names = Object.keys(rest);
  if (names.length !== declared.length || names.some((name) => !declared.includes(name))) throw malformedTrailer();
  const canonical = Object.entries(rest).map(([name, value]) => `${name}:${value}\n`);
  if (chain !== undefined) chain('TRAILER', sha256Hex(canonical.join('')), signature);
  else if (signature !== undefined) throw malformedTrailer();
  return rest;
}

const incomplete = (): Refusal => new Refusal('IncompleteBody', 400, 'The request body terminated unexpectedly');

const malformedTrailer = (): Refusal =>
  new Refusal(
    'MalformedTrailerError',
    400,
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  );

const chunkTooSmall = (chunk: number, size: number): Refusal =>
  new Refusal('InvalidChunkSizeError', 403, 'Only the last chunk is allowed to have a size less than 8192 bytes', {
    Chunk: String(chunk),
    BadChunkSize: String(size),
  });
