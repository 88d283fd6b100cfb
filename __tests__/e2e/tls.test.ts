import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { openSite, type Site } from '../support/keyturn-process';
import { type TlsRelay, tlsRelay } from '../support/tls-relay';

jest.setTimeout(120_000);

const BUCKET = 'behind-tls';
const OBJECTS = 25;

/** Every path to AWS, the SDK's and the lean one, over an endpoint that speaks TLS. */
describe('an endpoint behind TLS', () => {
  let site: Site;
  let relay: TlsRelay;
  let s3: S3Client;
  let trusted: string;
  let newKey: string;

  beforeAll(async () => {
    site = await openSite();
    relay = await tlsRelay(site.endpoint.url);
    trusted = path.join(site.directory, 'ca.pem');
    await writeFile(trusted, relay.certificate);
    const { url, region, accessKey } = site.endpoint;
    const settings = { endpoint: url, region, credentials: accessKey };
    s3 = new S3Client({ ...settings, forcePathStyle: true });
    const kms = new KMSClient(settings);
    const make = async () => (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
    const oldKey = await make();
    newKey = await make();
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/behind-tls', TargetKeyId: newKey }));
    kms.destroy();
    const location = { LocationConstraint: region } as never;
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: location }));
    for (let index = 0; index < OBJECTS; index += 1) {
      const under = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: oldKey } as const;
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `ordner/ü ${index}`, Body: `${index}`, ...under }));
    }
    const applied = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: newKey } as const;
    const Rules = [{ ApplyServerSideEncryptionByDefault: applied, BucketKeyEnabled: true }];
    await s3.send(new PutBucketEncryptionCommand({ Bucket: BUCKET, ServerSideEncryptionConfiguration: { Rules } }));
    await site.declare(`name: behind-tls
region: ${region}
alias: alias/behind-tls
keyVersions:
  - name: v1
    keyArn: ${oldKey}
  - name: v2
    keyArn: ${newKey}
activeVersion: v2
buckets:
  - name: ${BUCKET}
    manage: encryption
`);
  });

  afterAll(async () => {
    s3?.destroy();
    await relay?.close();
    await site?.close();
  });

  it('fails when nobody vouches for its certificate, and changes nothing', async () => {
    const { exitCode, stderr } = await site.run(['post-apply', '--yes'], { env: { AWS_ENDPOINT_URL: relay.url } });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('aws-tls-untrusted');
    expect(stderr).toMatch(/self-signed certificate.*AWS_CA_BUNDLE/s);
    expect([...site.endpoint.requests].filter((one) => one.operation === 'UpdateObjectEncryption')).toEqual([]);
  });

  it('answers once NODE_EXTRA_CA_CERTS vouches for it', async () => {
    const env = { AWS_ENDPOINT_URL: relay.url, NODE_EXTRA_CA_CERTS: trusted };
    expect((await site.run(['post-apply', '--dry-run'], { env })).stderr).toContain(BUCKET);
  });

  it('re-encrypts over it once AWS_CA_BUNDLE vouches for it', async () => {
    const env = { AWS_ENDPOINT_URL: relay.url, AWS_CA_BUNDLE: trusted };
    const { exitCode, stderr } = await site.run(['post-apply', '--yes', '--relist-delay', '0s'], { env });
    expect(stderr).toContain(`${OBJECTS} rewrapped`);
    expect(exitCode).toBe(0);
    for (let index = 0; index < OBJECTS; index += 1) {
      const { SSEKMSKeyId } = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: `ordner/ü ${index}` }));
      expect(SSEKMSKeyId).toBe(newKey);
    }
  });
});
