import { createHash, createHmac } from 'node:crypto';

/** An S3 request for an object whose name needs no percent-encoding. */
export interface ObjectRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
}

/** The pair that a fresh endpoint accepts: the example of AWS's documentation. */
const accessKeyId = 'AKIAIOSFODNN7EXAMPLE';
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const region = 'ap-northeast-1';
const signedHeaders = 'host;x-amz-content-sha256;x-amz-date';

/** The request with its Signature Version 4, ready to be written to a socket. */
export function signObjectRequest(port: number, { method, path, body }: ObjectRequest): Buffer {
  const host = `127.0.0.1:${port}`;
  const time = `${new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`;
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const hash = sha256(body);
  const headers = `host:${host}\nx-amz-content-sha256:${hash}\nx-amz-date:${time}\n`;
  const canonical = `${method}\n${path}\n\n${headers}\n${signedHeaders}\n${hash}`;
  const signature = hmac(signingKey(time.slice(0, 8)), `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`);
  const credential = `Credential=${accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature.toString('hex')}`;
  const head = `${method} ${path} HTTP/1.1\r\n${headers.replaceAll('\n', '\r\n')}authorization: AWS4-HMAC-SHA256 ${credential}\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

function signingKey(date: string): Buffer {
  return [date, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`) as Buffer;
}
