import { SignatureV4 } from '@smithy/signature-v4';
import { XMLParser } from 'fast-xml-parser';
import type { AccessKey, LocalAws } from '../../local-aws';
import { Sha256 } from './sha256';

/** The answer to a request of IAM's query protocol: the content of `…Result`, or of `Error`. */
export interface IamAnswer {
  readonly status: number;
  readonly namespace: string;
  readonly requestId: string;
  readonly result: Readonly<Record<string, unknown>>;
}

export interface IamRequest {
  readonly key?: AccessKey;
  /** The Region of the signature's scope. Default: the endpoint's, as clients sign at any address but AWS's own. */
  readonly region?: string;
}

const parser = new XMLParser({ ignoreAttributes: false, parseTagValue: false, isArray: (name) => name === 'member' });

/** Sends a request as the AWS CLI and the SDKs do, signed by an implementation that is not the endpoint's. */
export async function iamRequest(
  aws: LocalAws,
  Action: string,
  parameters: Readonly<Record<string, string>> = {},
  { key = aws.accessKey, region = aws.region }: IamRequest = {},
): Promise<IamAnswer> {
  const body = new URLSearchParams({ Action, Version: '2010-05-08', ...parameters }).toString();
  const { hostname, host, port } = new URL(aws.url);
  const signer = new SignatureV4({ service: 'iam', region, credentials: key, sha256: Sha256 });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname,
    port: Number(port),
    path: '/',
    query: {},
    headers: { host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body,
  });
  const { host: _, ...sent } = headers;
  const answer = await fetch(aws.url, { method: 'POST', headers: sent, body });
  const text = await answer.text();
  const [root = {}]: Record<string, string & Record<string, string>>[] = Object.values(parser.parse(text));
  const { ResponseMetadata, RequestId, ...rest } = root;
  const namespace = String(rest['@_xmlns']);
  const result = rest.Error ?? rest[`${Action}Result`] ?? {};
  return { status: answer.status, namespace, requestId: ResponseMetadata?.RequestId ?? RequestId ?? '', result };
}

/** {@link iamRequest} for a request that is to be refused: its code, status and message in one line. */
export async function iamRefusal(...request: Parameters<typeof iamRequest>): Promise<string> {
  const { status, result } = await iamRequest(...request);
  return `${status} ${result.Code ?? 'ok'}: ${result.Message ?? ''}`;
}
