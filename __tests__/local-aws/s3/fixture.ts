import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import {
  type AwsRequest,
  type AwsResponse,
  type Caller,
  type DataKeys,
  type EncryptionContext,
  KmsFault,
} from '../../../local-aws/message';
import { createS3, type S3, type S3Options } from '../../../local-aws/s3';
import { S3Fault } from '../../../local-aws/s3/fault';
import { NO_ENCRYPTION } from '../../../local-aws/s3/state/encryption';
import { ObjectVersion } from '../../../local-aws/s3/state/object-version';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-1';
export const CALLER: Caller = {
  accessKeyId: 'AKIAEXAMPLE',
  accountId: ACCOUNT,
  arn: `arn:aws:iam::${ACCOUNT}:user/tester`,
  userId: 'AIDAEXAMPLE',
};

export function keyArn(id: string): string {
  return `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`;
}

/** KMS reduced to what S3 asks of it: keys by ID, real wrapping bound to the context, and states that refuse. */
export class StandInKeys implements DataKeys {
  readonly calls: { readonly name: string; readonly key: string; readonly context: EncryptionContext }[] = [];
  private readonly secrets = new Map<string, Buffer>();
  private readonly faults = new Map<string, KmsFault>();

  add(id: string): string {
    this.secrets.set(keyArn(id), randomBytes(32));
    return keyArn(id);
  }

  refuse(arn: string, code: string, message: string, status = 400): void {
    this.faults.set(arn, new KmsFault(code, message, status));
  }

  accept(arn: string): void {
    this.faults.delete(arn);
  }

  generateDataKey(keyId: string, context: EncryptionContext) {
    const arn = keyId.startsWith('arn:') ? keyId : keyArn(keyId);
    const secret = this.secretOf(arn);
    this.calls.push({ name: 'GenerateDataKey', key: arn, context });
    const plaintext = randomBytes(32);
    return { plaintext, ciphertext: this.wrap(arn, secret, plaintext, context), keyArn: arn };
  }

  decrypt(ciphertext: Buffer, context: EncryptionContext) {
    const arn = ciphertext.subarray(0, keyArn('12345678').length).toString();
    const secret = this.secretOf(arn);
    this.calls.push({ name: 'Decrypt', key: arn, context });
    const sealed = ciphertext.subarray(arn.length);
    const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, 12)).setAAD(aad(context));
    decipher.setAuthTag(sealed.subarray(44));
    const plaintext = decipher.update(sealed.subarray(12, 44));
    decipher.final();
    return { plaintext, keyArn: arn };
  }

  reEncrypt(ciphertext: Buffer, source: EncryptionContext, targetKeyId: string, target: EncryptionContext) {
    const { plaintext } = this.decrypt(ciphertext, source);
    const secret = this.secretOf(targetKeyId);
    this.calls.push({ name: 'ReEncrypt', key: targetKeyId, context: target });
    return { ciphertext: this.wrap(targetKeyId, secret, plaintext, target), keyArn: targetKeyId };
  }

  encrypt(plaintext: Buffer, keyId: string, context: EncryptionContext) {
    this.calls.push({ name: 'Encrypt', key: keyId, context });
    return { ciphertext: this.wrap(keyId, this.secretOf(keyId), plaintext, context), keyArn: keyId };
  }

  checkKeyState(keyId: string): void {
    this.secretOf(keyId);
  }

  awsManagedS3Key(): string {
    return this.secrets.has(keyArn('managed1')) ? keyArn('managed1') : this.add('managed1');
  }

  private wrap(arn: string, secret: Buffer, plaintext: Buffer, context: EncryptionContext): Buffer {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(aad(context));
    return Buffer.concat([Buffer.from(arn), iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  private secretOf(arn: string): Buffer {
    const fault = this.faults.get(arn);
    if (fault !== undefined) throw fault;
    const secret = this.secrets.get(arn);
    if (secret === undefined) throw new KmsFault('NotFoundException', `Key '${arn}' does not exist`);
    return secret;
  }
}

function aad(context: EncryptionContext): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).sort()));
}

export interface Ask {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly caller?: Caller;
}

/** An answer with its body at hand in every form a test wants. */
export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The document read by fast-xml-parser, leaves as text; lists where {@link LISTS} says. */
  readonly xml: XmlTree;
  /** Code of the error document. */
  readonly code: string | undefined;
}

export interface XmlTree {
  readonly [name: string]: XmlTree;
}

const LISTS = new Set([
  'Contents',
  'CommonPrefixes',
  'Version',
  'DeleteMarker',
  'Part',
  'Upload',
  'Deleted',
  'Tag',
  'Bucket',
]);
const parser = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: true,
  trimValues: false,
  processEntities: true,
  htmlEntities: true,
  isArray: (name) => LISTS.has(name),
});

/** One S3 endpoint under test, asked without a server in between. */
export class Desk {
  readonly keys = new StandInKeys();
  readonly s3: S3;
  now = Date.parse('2026-11-01T10:00:00Z');

  private readonly region: string;

  constructor(limits?: S3Options['limits'], region = REGION) {
    const clock = { now: () => this.now };
    this.region = region;
    this.s3 = createS3({ clock, dataKeysIn: () => this.keys, regions: [region], ...(limits ? { limits } : {}) });
  }

  async ask(method: string, path: string, ask: Ask = {}): Promise<Told> {
    return this.raw(method, path.split('/').map(encodeURIComponent).join('/'), ask);
  }

  /** The path as it goes over the wire. */
  async raw(method: string, rawPath: string, ask: Ask = {}): Promise<Told> {
    return told(await this.s3.handle({ ...request(method, rawPath, ask), region: this.region }));
  }

  /** Makes a bucket. */
  async bucket(name: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const made = await this.ask('PUT', `/${name}`, {
      headers,
      body: `<CreateBucketConfiguration><LocationConstraint>${REGION}</LocationConstraint></CreateBucketConfiguration>`,
    });
    expect(made.status).toBe(200);
    return name;
  }

  async versioned(name: string, state: 'Enabled' | 'Suspended' = 'Enabled'): Promise<void> {
    const body = `<VersioningConfiguration><Status>${state}</Status></VersioningConfiguration>`;
    const set = await this.ask('PUT', `/${name}`, { query: { versioning: '' }, ...proved(body) });
    expect(set.status).toBe(200);
  }

  /** Makes SSE-KMS with this key the bucket's default and unblocks SSE-C. */
  async encrypted(name: string, arn: string, bucketKey = false): Promise<void> {
    const body =
      '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>' +
      `<KMSMasterKeyID>${arn}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>` +
      `<BucketKeyEnabled>${bucketKey}</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`;
    const set = await this.ask('PUT', `/${name}`, { query: { encryption: '' }, ...proved(body) });
    expect(set.status).toBe(200);
  }

  async put(path: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Told> {
    const put = await this.ask('PUT', path, { headers, body });
    expect(put.status).toBe(200);
    return put;
  }
}

/** The S3 code that a call throws, undefined when it throws nothing. */
export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof S3Fault) return error.code;
    throw error;
  }
}

/** A version of which nothing matters. */
export function plainVersion(): ObjectVersion {
  return new ObjectVersion({
    id: 'null',
    deleteMarker: false,
    now: 0,
    size: 0,
    etag: '',
    attributes: { headers: {}, metadata: {} },
    parts: [],
    multipart: false,
    checksum: undefined,
    storageClass: 'STANDARD',
    redirect: undefined,
    encryption: NO_ENCRYPTION,
    tags: undefined,
    acl: undefined,
    retention: undefined,
    legalHold: undefined,
  });
}

export function request(method: string, rawPath: string, ask: Ask = {}): AwsRequest {
  return {
    method,
    rawPath,
    query: new Map(Object.entries(ask.query ?? {})),
    headers: { host: '127.0.0.1:4566', ...ask.headers },
    body: Buffer.from(ask.body ?? ''),
    trailers: ask.trailers ?? {},
    caller: ask.caller ?? CALLER,
    region: REGION,
    requestId: 'REQUEST0',
  };
}

/** A body with the Content-MD5 that configuration writes need. */
export function proved(body: string): { readonly body: string; readonly headers: Record<string, string> } {
  return { body, headers: { 'content-md5': createHash('md5').update(body).digest('base64') } };
}

function told(response: AwsResponse): Told {
  const bytes = Buffer.from(response.body ?? '');
  const text = bytes.toString('utf8');
  const isXml = response.headers?.['content-type'] === 'application/xml' && text.startsWith('<');
  const xml: XmlTree = isXml ? parser.parse(text) : {};
  return { status: response.status, headers: response.headers ?? {}, bytes, text, xml, code: codeIn(xml) };
}

function codeIn(xml: XmlTree): string | undefined {
  const code: unknown = xml.Error?.Code;
  return typeof code === 'string' ? code : undefined;
}
