import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { confirmTarget } from '../../../lib/aws/account-guard';
import { callerIdentity } from '../../../lib/aws/caller-identity';
import { type AwsClients, createClients } from '../../../lib/aws/clients';
import { openDirectClient } from '../../../lib/s3/direct-client';
import { type ForwardProxy, type ForwardProxyOptions, forwardProxy } from '../../support/forward-proxy';
import { type TlsRelay, tlsRelay } from '../../support/tls-relay';
import { startEndpoint, type TestEndpoint } from './endpoint';

const BUCKET = 'behind-a-proxy';

let endpoint: TestEndpoint;
let relay: TlsRelay;
let directory: string;
let trusted: string;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  endpoint = await startEndpoint();
  const { region } = endpoint.aws;
  const CreateBucketConfiguration = { LocationConstraint: region } as never;
  await endpoint.clients.s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration }));
  await endpoint.clients.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'ü a+b', Body: 'x' }));
  relay = await tlsRelay(endpoint.aws.url);
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-test-'));
  trusted = path.join(directory, 'ca.pem');
  await writeFile(trusted, relay.certificate);
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

afterAll(async () => {
  await relay?.close();
  await endpoint?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Clients for an endpoint, in an environment of their own, which ends with the test. */
function clientsFor(url: string, env: NodeJS.ProcessEnv): AwsClients {
  const before = { ...process.env };
  Object.assign(process.env, { AWS_MAX_ATTEMPTS: '1', AWS_CA_BUNDLE: '' }, env, { AWS_ENDPOINT_URL: url });
  const clients = createClients({ region: endpoint.aws.region, env });
  closing.push(() => {
    clients.destroy();
    process.env = before;
  });
  return clients;
}

async function proxyTo(target: string, options?: ForwardProxyOptions): Promise<ForwardProxy> {
  const proxy = await forwardProxy(target, options);
  closing.push(() => proxy.close());
  return proxy;
}

/** One call of the SDK and one of the direct client. */
async function reach(clients: AwsClients): Promise<readonly [string, number]> {
  const { account } = await callerIdentity(clients);
  const direct = openDirectClient(clients.s3);
  closing.push(() => direct.close());
  const { status } = await direct.send({ method: 'HEAD', bucket: BUCKET, key: 'ü a+b' });
  return [account, status];
}

describe('a proxy', () => {
  test('carries plain requests of both clients, whole and without a tunnel', async () => {
    const proxy = await proxyTo(endpoint.aws.url);
    const clients = clientsFor('http://aws.test:4650', { HTTP_PROXY: proxy.url });
    expect(await reach(clients)).toEqual([endpoint.aws.accountId, 200]);
    expect(proxy.asked).toEqual([
      'POST http://aws.test:4650/',
      expect.stringMatching(/^HEAD http:\/\/\S+\/%C3%BC%20a%2Bb$/),
    ]);
  });

  test('carries TLS of both clients in a tunnel, with the authorities of AWS_CA_BUNDLE', async () => {
    const proxy = await proxyTo(relay.url);
    const clients = clientsFor('https://aws.test', { HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: trusted });
    expect(await reach(clients)).toEqual([endpoint.aws.accountId, 200]);
    expect(proxy.asked).toEqual([
      'CONNECT aws.test:443',
      expect.stringMatching(/^CONNECT (behind-a-proxy\.)?aws\.test:443$/),
    ]);
  });

  test('gets the user and password of its URL', async () => {
    const proxy = await proxyTo(endpoint.aws.url, { login: 'ann:p%' });
    const clients = clientsFor('http://aws.test', { HTTP_PROXY: proxy.url.replace('//', '//ann:p%25@') });
    expect(await reach(clients)).toEqual([endpoint.aws.accountId, 200]);
  });

  test('is left out for the hosts of NO_PROXY', async () => {
    const proxy = await proxyTo(relay.url);
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: '.test', AWS_CA_BUNDLE: trusted };
    const failure = reach(clientsFor('https://aws.test', env));
    await expect(failure).rejects.toMatchObject({ code: 'aws-endpoint-unreachable', facts: { proxy: undefined } });
    expect(proxy.asked).toEqual([]);
  });

  test.each([
    [403, 'the proxy refused the connection (HTTP 403)'],
    [407, 'the proxy requires a user and password (HTTP 407)'],
    [502, 'the proxy refused the connection (HTTP 502)'],
  ])('fails when it answers %d, and does not blame AWS', async (refuses, reason) => {
    const proxy = await proxyTo(relay.url, { refuses });
    const failure = reach(clientsFor('https://aws.test', { HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: trusted }));
    await expect(failure).rejects.toMatchObject({
      code: 'aws-endpoint-unreachable',
      facts: { url: 'https://aws.test', proxy: `HTTPS_PROXY (${proxy.url})`, reason: expect.stringContaining(reason) },
      hint: expect.stringContaining('NO_PROXY'),
    });
  });

  test('fails when nothing listens there, and names the variable', async () => {
    const failure = reach(clientsFor('https://aws.test', { HTTPS_PROXY: 'http://127.0.0.1:9' }));
    await expect(failure).rejects.toMatchObject({
      code: 'aws-endpoint-unreachable',
      facts: { proxy: 'HTTPS_PROXY (http://127.0.0.1:9)' },
    });
  });

  test('fails when a plain request meets a proxy that wants a password', async () => {
    const proxy = await proxyTo(endpoint.aws.url, { login: 'ann:secret' });
    await expect(reach(clientsFor('http://aws.test', { HTTP_PROXY: proxy.url }))).rejects.toMatchObject({
      code: 'aws-endpoint-unreachable',
      facts: { reason: expect.stringContaining('HTTP 407') },
    });
  });

  test('refuses a variable that names none', async () => {
    await expect(reach(clientsFor('https://aws.test', { HTTPS_PROXY: 'socks5://proxy:1080' }))).rejects.toMatchObject({
      code: 'aws-proxy-invalid',
      exitCode: 64,
    });
  });
});

describe('trusted authorities', () => {
  test('are those of AWS_CA_BUNDLE, for both clients', async () => {
    const clients = clientsFor(relay.url, { AWS_CA_BUNDLE: trusted });
    expect(await reach(clients)).toEqual([endpoint.aws.accountId, 200]);
  });

  test('are those of ca_bundle in the profile', async () => {
    const configuration = path.join(directory, 'config');
    const { accessKeyId, secretAccessKey } = endpoint.aws.accessKey;
    const login = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}`;
    await writeFile(configuration, `[profile corp]\nca_bundle = ${trusted}\n${login}\n`);
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
    const clients = clientsFor(relay.url, { ...none, AWS_CONFIG_FILE: configuration, AWS_PROFILE: 'corp' });
    expect(await reach(clients)).toEqual([endpoint.aws.accountId, 200]);
  });

  test('fails when the certificate is issued by none of them, and names the issuer', async () => {
    const failure = confirmTarget(clientsFor(relay.url, {}), { region: endpoint.aws.region } as never);
    await expect(failure).rejects.toMatchObject({
      code: 'aws-tls-untrusted',
      facts: { url: relay.url, reason: expect.stringMatching(/DEPTH_ZERO_SELF_SIGNED_CERT.*issued by 127\.0\.0\.1/) },
      hint: expect.stringContaining('AWS_CA_BUNDLE'),
    });
  });

  test('fails when the bundle lacks the issuer, and names the file', async () => {
    const other = await tlsRelay(endpoint.aws.url);
    closing.push(() => other.close());
    await expect(reach(clientsFor(other.url, { AWS_CA_BUNDLE: trusted }))).rejects.toMatchObject({
      code: 'aws-tls-untrusted',
      facts: { bundle: trusted },
      hint: expect.stringContaining(trusted),
    });
  });

  test.each([
    ['missing', undefined],
    ['without a certificate', 'hello'],
    ['with a broken certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ])('refuses a bundle that is %s', async (name, content) => {
    const file = path.join(directory, `${name}.pem`);
    if (content !== undefined) await writeFile(file, content);
    await expect(reach(clientsFor(relay.url, { AWS_CA_BUNDLE: file }))).rejects.toMatchObject({
      code: 'aws-ca-bundle-unreadable',
      facts: { file },
    });
  });
});
