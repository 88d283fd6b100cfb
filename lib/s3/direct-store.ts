import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { RETRY_POLICY } from '../aws/retry-policy';
import { ownerHeaders, withOwner } from './bucket-owner';
import { copySource } from './copy-source';
import type { DirectClient, DirectRequest, DirectResponse } from './direct-client';
import { ConnectionBroken } from './direct-client';
import { aclOf, annotatedOf, copyResultOf, errorOf, headOfHeaders, versionPageOfXml } from './direct-responses';
import type { VersionRef } from './object-version';
import type { Header } from './request-signer';
import type { CopyInPlace, ObjectStore, TargetEncryption } from './store';
import { asFault, faultKind, StoreFault } from './store-fault';
import { encodeQuery, percentEncode } from './uri-encoding';

/** Sends one request and rejects with a `StoreFault` for every answer that is no success. */
type Send = (operation: string, request: DirectRequest) => Promise<DirectResponse>;

/** Lists that many requests share. */
const NO_HEADERS: readonly Header[] = [];
const WITH_CHECKSUMS: readonly Header[] = [['x-amz-checksum-mode', 'ENABLED']];
const EXPIRED: { readonly attempts: number; readonly codes: readonly string[] } = RETRY_POLICY['expired credentials'];

/**
 * The bulk calls of {@link ObjectStore} through the direct S3 client, and those of `rest` for calls that are few and for whole
 * reads, whose checksums the SDK validates. The requests are the SDK's own, byte for byte except for its telemetry headers.
 *
 * @param owner - id of the account that must own every bucket; absent: any may
 */
export function createDirectStore(client: DirectClient, rest: ObjectStore, owner?: string): ObjectStore {
  const send = sender(client, owner);
  return {
    ...rest,
    requests: () => client.sent() + rest.requests(),
    // Until the direct client has had an answer, the SDK's requests may have: a wrong clock of this machine must not
    // decide which uploads are old.
    now: () => client.now() ?? rest.now(),
    ...reads(send),
    ...writes(send),
  };
}

function sender(client: DirectClient, owner: string | undefined): Send {
  const owned = new WeakMap<readonly Header[], readonly Header[]>();
  const withOwnerHeaders = (headers: readonly Header[]): readonly Header[] => {
    const made = owned.get(headers) ?? [...headers, ...ownerHeaders(owner, false)];
    owned.set(headers, made);
    return made;
  };
  return async (operation, unowned) => {
    const { headers: own = NO_HEADERS } = unowned;
    const headers = operation === 'CopyObject' ? [...own, ...ownerHeaders(owner, true)] : withOwnerHeaders(own);
    const request = { ...unowned, headers };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await sendOnce(client, operation, request);
      if (answer.status < 300) return answer;
      const fault = faultOf(operation, answer);
      const isExpired = fault.status === 400 && EXPIRED.codes.includes(fault.code);
      if (!isExpired || attempt >= EXPIRED.attempts) throw withOwner(fault, owner);
      // New credentials may have been written to the profile since these were read.
      await client.refreshCredentials();
    }
  };
}

function reads(send: Send): Pick<ObjectStore, 'listVersions' | 'head' | 'probe' | 'annotated' | 'grants'> {
  return {
    async listVersions({ bucket, after, prefix, limit }) {
      const query = encodeQuery({
        'encoding-type': 'url',
        'key-marker': after?.key,
        'version-id-marker': after?.versionId,
        prefix,
        'max-keys': limit === undefined ? undefined : String(limit),
        versions: '',
      });
      const { body } = await send('ListObjectVersions', { method: 'GET', bucket, query });
      return versionPageOfXml(body.toString(), bucket, after);
    },
    async head(ref, options) {
      const headers = options?.checksums ? WITH_CHECKSUMS : NO_HEADERS;
      const answer = await send('HeadObject', { method: 'HEAD', ...addressed(ref), headers });
      return headOfHeaders(answer.headers);
    },
    async probe(ref, size) {
      const range: Header[] = size > 0 ? [['range', 'bytes=0-0']] : [];
      const headers: Header[] = [...range, ['x-amz-checksum-mode', 'ENABLED']];
      const query = encodeQuery({ versionId: ref.versionId, 'x-id': 'GetObject' });
      await send('GetObject', { method: 'GET', ...addressed(ref), query, headers, discard: true });
    },
    async annotated(ref) {
      const query = 'annotation=&max-annotation-results=1';
      // An endpoint that takes the request for a read of the object shall not send all of it.
      const headers: Header[] = [['range', 'bytes=0-1023']];
      try {
        const answer = await send('ListObjectAnnotations', { method: 'GET', ...addressed(ref, query), headers });
        return answer.status === 206 ? 'unsupported' : annotatedOf(answer.body.toString());
      } catch (error) {
        const fault = asFault(error);
        if (fault && (faultKind(fault) === 'unsupported' || fault.code === 'InvalidRange')) return 'unsupported';
        throw error;
      }
    },
    async grants(ref) {
      const { body } = await send('GetObjectAcl', { method: 'GET', ...addressed(ref, 'acl=') });
      return aclOf(body.toString());
    },
  };
}

function writes(send: Send): Pick<ObjectStore, 'updateEncryption' | 'copy'> {
  const bodies = new Map<string, ReturnType<typeof encryptionBody>>();
  const bodyFor = (keyArn: string, bucketKey: boolean) => {
    const id = `${bucketKey} ${keyArn}`;
    const body = bodies.get(id) ?? encryptionBody(keyArn, bucketKey);
    bodies.set(id, body);
    return body;
  };
  return {
    async updateEncryption(ref, { keyArn, bucketKey }) {
      const { headers, body } = bodyFor(keyArn, bucketKey);
      await send('UpdateObjectEncryption', { method: 'PUT', ...addressed(ref, 'encryption='), headers, body });
    },
    async copy(ref, copy) {
      const request = { method: 'PUT', bucket: ref.bucket, key: ref.key, query: 'x-id=CopyObject' } as const;
      const answer = await send('CopyObject', { ...request, headers: copyHeaders(ref, copy) });
      // 200 was sent before the copy began: an error that came later is in the body.
      const embedded = copyResultOf(answer);
      if (typeof embedded === 'string') return { etag: embedded, versionId: answer.headers['x-amz-version-id'] };
      throw new StoreFault({ operation: 'CopyObject', ...embedded });
    },
  };
}

async function sendOnce(client: DirectClient, operation: string, request: DirectRequest): Promise<DirectResponse> {
  try {
    return await client.send(request);
  } catch (error) {
    if (error instanceof ConnectionBroken) {
      throw new StoreFault({ operation, status: 0, code: error.code, message: error.message }, error);
    }
    if (error instanceof Error && error.name === 'CredentialsProviderError') {
      throw new StoreFault({ operation, status: 0, code: error.name, message: error.message }, error);
    }
    throw error;
  }
}

/** `fixed` is a query that is encoded already and sorts before `versionId`, as all of S3's that are used here do. */
function addressed({ bucket, key, versionId }: VersionRef, fixed = '') {
  if (versionId === undefined) return { bucket, key, query: fixed };
  const version = `versionId=${percentEncode(versionId)}`;
  return { bucket, key, query: fixed === '' ? version : `${fixed}&${version}` };
}

/** The body is the same for every version of a run, so that it is built and hashed once. */
function encryptionBody(keyArn: string, bucketKey: boolean) {
  const text =
    '<?xml version="1.0" encoding="UTF-8"?><ObjectEncryption xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><SSE-KMS>' +
    `<KMSKeyArn>${keyArn}</KMSKeyArn><BucketKeyEnabled>${bucketKey}</BucketKeyEnabled></SSE-KMS></ObjectEncryption>`;
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(text));
  const headers: Header[] = [
    ['content-length', String(Buffer.byteLength(text))],
    ['content-type', 'application/xml'],
    ['x-amz-checksum-crc32', sum.toString('base64')],
    ['x-amz-sdk-checksum-algorithm', 'CRC32'],
  ];
  return { headers, body: { text, sha256: createHash('sha256').update(text).digest('hex') } };
}

function copyHeaders(ref: VersionRef, copy: CopyInPlace): Header[] {
  const { grants } = copy;
  const optional: readonly (readonly [string, string | undefined])[] = [
    ['x-amz-website-redirect-location', copy.websiteRedirect],
    ['x-amz-checksum-algorithm', copy.checksum],
    ['x-amz-grant-full-control', grants?.fullControl],
    ['x-amz-grant-read', grants?.read],
    ['x-amz-grant-read-acp', grants?.readAcp],
    ['x-amz-grant-write-acp', grants?.writeAcp],
  ];
  return [
    ['if-match', copy.etag],
    ['x-amz-copy-source', copySource(ref)],
    ['x-amz-copy-source-if-match', copy.etag],
    ['x-amz-storage-class', copy.storageClass],
    ...encryptionHeaders(copy.encryption),
    ...optional.flatMap(([name, value]): Header[] => (value === undefined ? [] : [[name, value]])),
  ];
}

function encryptionHeaders({ keyArn, bucketKey, dualLayer }: TargetEncryption): Header[] {
  const key: Header = ['x-amz-server-side-encryption-aws-kms-key-id', keyArn];
  if (dualLayer) return [['x-amz-server-side-encryption', 'aws:kms:dsse'], key];
  return [
    ['x-amz-server-side-encryption', 'aws:kms'],
    key,
    ['x-amz-server-side-encryption-bucket-key-enabled', String(bucketKey)],
  ];
}

function faultOf(operation: string, answer: DirectResponse): StoreFault {
  const { code, message } = errorOf(answer.body.toString());
  const requestId = answer.headers['x-amz-request-id'];
  return new StoreFault({
    operation,
    status: answer.status,
    code,
    message,
    ...(requestId === undefined ? {} : { requestId }),
  });
}
