import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { appendFile, chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import forge from 'node-forge';
import { checkEvidence } from '../../../lib/evidence/check';
import { openEvidence } from '../../../lib/evidence/evidence';
import { type EvidenceSigner, signEvidence } from '../../../lib/evidence/sign-evidence';
import { openKeyFile } from '../../../lib/evidence/signing-key-file';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-signed-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed25519 = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const declaredOf = (key: KeyObject) => `ed25519:${key.export({ format: 'der', type: 'spki' }).toString('base64')}`;

/** As KMS signs with a P-256 key, and as a key file does. */
const SIGNERS: Readonly<Record<string, EvidenceSigner>> = {
  'P-256': {
    declared: 'arn:aws:kms:eu-central-1:111122223333:key/signer',
    publicKey: p256.publicKey,
    sign: async (bytes) => sign('sha256', bytes, p256.privateKey),
  },
  Ed25519: signerOf(ed25519),
};

function signerOf({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): EvidenceSigner {
  return { declared: declaredOf(publicKey), publicKey, sign: async (bytes) => sign(null, bytes, privateKey) };
}

async function run(
  signer: EvidenceSigner | undefined,
  by: EvidenceSigner | 'nobody' = signer ?? 'nobody',
): Promise<string> {
  const declared = signer?.declared;
  const evidence = await openEvidence({ directory, command: 'rotate', rotation: 'photos', signer: declared });
  await evidence.record('intent', 'retire', { version: 'v1' });
  await evidence.close('finished');
  if (by !== 'nobody') await signEvidence(by, { file: evidence.file, head: evidence.head, rotation: 'photos' });
  return evidence.file;
}

const signatureOf = (file: string) => file.replace('.ndjson', '.dsse.json');
const codes = async (keys?: readonly KeyObject[]) =>
  (await checkEvidence(directory, undefined, keys)).faults.map(({ code }) => code);

async function openssl(file: string, publicKey: KeyObject): Promise<string> {
  const script = /```sh signature\n([\s\S]*?)```/.exec(await readFile('docs/evidence.md', 'utf8'))?.[1] ?? '';
  const KEY = path.join(directory, 'signer.pem');
  await writeFile(KEY, publicKey.export({ format: 'pem', type: 'spki' }));
  const env = { ...process.env, KEY, RUN: file.replace('.ndjson', '') };
  return execFileSync('sh', ['-c', script], { env, encoding: 'utf8', stdio: 'pipe' });
}

describe.each(Object.entries(SIGNERS))('a head signed with %s', (_kind, signer) => {
  it('is sound by its public key, and by the openssl of docs/evidence.md', async () => {
    const file = await run(signer);
    expect(await codes([signer.publicKey])).toEqual([]);
    expect((await checkEvidence(directory, undefined, [signer.publicKey])).files[0]?.signature).toBe('checked');
    expect(await openssl(file, signer.publicKey)).toMatch(
      /(Verified OK|Verified Successfully)[\s\S]*it signs these bytes/,
    );
  });

  it('fails by openssl as by the check when a record was changed', async () => {
    const file = await run(signer);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"v1"', '"v2"'));
    expect(await codes([signer.publicKey])).toEqual(
      expect.arrayContaining(['signature-of-another-head', 'wrong-hash']),
    );
    await expect(openssl(file, signer.publicKey)).rejects.toThrow();
  });

  it('fails when another key signed it', async () => {
    const file = await run(signer, signerOf(stranger));
    expect(await codes([signer.publicKey])).toEqual(['signed-by-another-key']);
    await expect(openssl(file, signer.publicKey)).rejects.toThrow();
  });

  it('fails when the statement was changed under it', async () => {
    const file = await run(signer);
    const envelope = JSON.parse(await readFile(signatureOf(file), 'utf8'));
    const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString());
    const payload = Buffer.from(JSON.stringify({ ...statement, more: 1 })).toString('base64');
    await writeFile(signatureOf(file), JSON.stringify({ ...envelope, payload }));
    expect(await codes([signer.publicKey])).toEqual(['wrong-signature']);
  });
});

const { Ed25519: signer = signerOf(ed25519) } = SIGNERS;
const trusted = [signer.publicKey];

type Changes = (statement: Record<string, unknown>) => Record<string, unknown>;
const subjectOf = (statement: Record<string, unknown>) => (statement.subject as Record<string, unknown>[])[0];

/** The signer's own signature over another statement: whoever may sign other things must not vouch for a run by them. */
it.each<[string, Changes]>([
  ['of another type', (one) => ({ ...one, _type: 'https://in-toto.io/Statement/v0.1' })],
  ['with another predicate', (one) => ({ ...one, predicateType: 'https://slsa.dev/provenance/v1' })],
  ['about a second file, too', (one) => ({ ...one, subject: [subjectOf(one), subjectOf(one)] })],
  ['about no file', (one) => ({ ...one, subject: [] })],
  ['about a file of another name', (one) => ({ ...one, subject: [{ ...subjectOf(one), name: 'other.ndjson' }] })],
  ['of other bytes', (one) => ({ ...one, subject: [{ ...subjectOf(one), digest: { sha256: '0'.repeat(64) } }] })],
  ['of bytes by no hash', (one) => ({ ...one, subject: [{ name: subjectOf(one)?.name }] })],
  ['of another head', (one) => ({ ...one, predicate: { ...(one.predicate as object), head: '0'.repeat(64) } })],
  ['of no head', ({ predicate: _, ...one }) => one],
])('fails when the signer signed a statement %s', async (_what, change) => {
  const file = await run(signer);
  const envelope = JSON.parse(await readFile(signatureOf(file), 'utf8'));
  const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString());
  const payload = Buffer.from(JSON.stringify(change(statement)));
  const covered = Buffer.concat([
    Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${payload.length} `),
    payload,
  ]);
  const signatures = [{ ...envelope.signatures[0], sig: sign(null, covered, ed25519.privateKey).toString('base64') }];
  await writeFile(signatureOf(file), JSON.stringify({ ...envelope, payload: payload.toString('base64'), signatures }));
  expect(await codes(trusted)).toEqual(['signature-of-another-head']);
  expect(await codes()).toEqual(['signature-of-another-head']);
});

it.each([
  ['an array', '[1]'],
  ['a number', '1'],
  ['null', 'null'],
  ['no JSON', '{'],
])('fails when the statement is %s', async (_what, text) => {
  const file = await run(signer);
  const envelope = JSON.parse(await readFile(signatureOf(file), 'utf8'));
  const payload = Buffer.from(text).toString('base64');
  await writeFile(signatureOf(file), JSON.stringify({ ...envelope, payload }));
  expect(await codes(trusted)).toEqual(['not-a-signature']);
});

it('is checked by any of several signatures, and by none that is no text', async () => {
  const file = await run(signer);
  const envelope = JSON.parse(await readFile(signatureOf(file), 'utf8'));
  const [own] = envelope.signatures;
  const write = (signatures: unknown) => writeFile(signatureOf(file), JSON.stringify({ ...envelope, signatures }));
  await write([{ keyid: 'another', sig: sign(null, Buffer.from('x'), stranger.privateKey).toString('base64') }, own]);
  expect(await codes(trusted)).toEqual([]);
  await write([null, { ...own, sig: 7 }]);
  expect(await codes(trusted)).toEqual(['signed-by-another-key']);
});

it('is verified by a second implementation: Ed25519 of node-forge over the encoding of DSSE', async () => {
  const { payloadType, payload, signatures } = JSON.parse(await readFile(signatureOf(await run(signer)), 'utf8'));
  const bytes = Buffer.from(payload, 'base64');
  const message = Buffer.from(
    `DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} ${bytes.toString('latin1')}`,
    'latin1',
  );
  const raw = signer.publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
  const signature = Buffer.from(signatures[0].sig, 'base64');
  expect(forge.pki.ed25519.verify({ message, signature, publicKey: raw })).toBe(true);
  expect(JSON.parse(bytes.toString())).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    predicate: { rotation: 'photos', records: 3, head: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
});

it('is verified by a second implementation: P-256 of @noble/curves over the encoding of DSSE, and only over that', async () => {
  const { p256: nistP256 } = await import('@noble/curves/nist.js');
  const signer = SIGNERS['P-256'] as EvidenceSigner;
  const { payloadType, payload, signatures } = JSON.parse(await readFile(signatureOf(await run(signer)), 'utf8'));
  const bytes = Buffer.from(payload, 'base64');
  const message = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `), bytes]);
  const point = signer.publicKey.export({ format: 'der', type: 'spki' }).subarray(26);
  const fits = (text: Buffer) =>
    // Neither KMS nor openssl brings s into the lower half.
    nistP256.verify(Buffer.from(signatures[0].sig, 'base64'), text, point, { format: 'der', lowS: false });
  expect(fits(message)).toBe(true);
  expect(fits(bytes)).toBe(false);
  message[message.length - 1] = (message.at(-1) ?? 0) ^ 1;
  expect(fits(message)).toBe(false);
});

it('fails when a run is not signed although a signer is declared, with and without a key', async () => {
  await run(signer, 'nobody');
  const file = await run(signer);
  await rm(signatureOf(file));
  expect(await codes()).toEqual(['not-signed', 'not-signed']);
});

it('fails when the last signature is missing: the newest run may have been made by anybody', async () => {
  await run(signer);
  await rm(signatureOf(await run(signer)));
  expect(await codes(trusted)).toEqual(['not-signed']);
});

it('names the signed run that vouches for one that was killed, and no other', async () => {
  const killed = await run(signer, 'nobody');
  const lines = (await readFile(killed, 'utf8')).split('\n');
  await writeFile(killed, `${lines.slice(0, -2).join('\n')}\n`);
  const problems = async () => {
    const { faults } = await checkEvidence(directory, undefined, trusted);
    return faults.filter(({ code }) => code === 'not-signed').map(({ problem }) => problem);
  };
  expect(await problems()).toEqual([expect.stringMatching(/: the run was not closed, so nobody signed it$/)]);
  const next = await run(signer);
  expect(await problems()).toEqual([expect.stringContaining(`; ${path.basename(next)} names this head and is signed`)]);
  await rm(signatureOf(next));
  // Runs of the same second are listed in any order.
  expect((await problems()).map((one) => one.replace(/^.*": /, '')).sort()).toEqual([
    'the run was not closed, so nobody signed it',
    'the signature was removed, or signing failed',
  ]);
});

it('fails when a whole chain was written again without a signer, as soon as a key is given', async () => {
  await run(undefined);
  expect(await codes()).toEqual([]);
  expect(await codes(trusted)).toEqual(['not-signed']);
});

it('fails when a signature is moved to another run, and when its run is removed', async () => {
  const first = await run(signer);
  const second = await run(signer);
  await copyFile(signatureOf(first), signatureOf(second));
  expect(await codes(trusted)).toEqual(['signature-of-another-head']);
  await rm(second);
  expect(await codes(trusted)).toEqual(['signature-without-run']);
});

it('fails when records were cut off the end of a signed run', async () => {
  const file = await run(signer);
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, `${lines.slice(0, 2).join('\n')}\n`);
  expect(await codes(trusted)).toEqual(['not-closed', 'signature-of-another-head']);
});

it.each([
  '{}',
  'no JSON',
  JSON.stringify({ payloadType: 'application/vnd.in-toto+json', payload: 'e30=', signatures: [] }),
])('fails when the signature is %s', async (text) => {
  await writeFile(signatureOf(await run(signer)), text);
  expect(await codes(trusted)).toEqual(['not-a-signature']);
});

it('accepts the keys of several signers, and compares signatures with their run where no key is given', async () => {
  await run(SIGNERS['P-256']);
  await run(signer);
  expect(await codes([p256.publicKey, ed25519.publicKey])).toEqual([]);
  expect((await checkEvidence(directory)).files.map(({ signature }) => signature)).toEqual([
    'not-checked',
    'not-checked',
  ]);
  expect(await codes()).toEqual([]);
});

it('refuses to keep a signature that its own public key does not confirm', async () => {
  const broken = { ...signer, sign: async () => Buffer.alloc(64) };
  await expect(run(broken)).rejects.toMatchObject({ code: 'evidence-not-signed' });
  expect(await codes()).toEqual(['not-signed']);
});

describe('a key file', () => {
  const privatePem = (key: KeyObject) => key.export({ format: 'pem', type: 'pkcs8' });
  let repository: string;
  let file: string;

  beforeEach(async () => {
    repository = path.join(directory, 'repository');
    file = path.join(directory, 'signer.key');
    await mkdir(repository);
    await writeFile(file, privatePem(ed25519.privateKey), { mode: 0o600 });
  });

  const opened = (declared = declaredOf(ed25519.publicKey), at: string | undefined = file) =>
    openKeyFile(declared, at, repository);

  it('signs with the private key of the declared public key', async () => {
    await run(await opened());
    expect(await codes(trusted)).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'that nobody named',
      () => openKeyFile(declaredOf(ed25519.publicKey), undefined, repository),
      /KEYTURN_SIGNING_KEY/,
    ],
    ['of another public key', () => opened(declaredOf(stranger.publicKey)), /another public key/],
    ['that others can read', () => chmod(file, 0o640).then(() => opened()), /others can read .*chmod 600/],
    [
      'that is no key',
      () =>
        appendFile(file, '')
          .then(() => writeFile(file, 'x'))
          .then(() => opened()),
      /no private key/,
    ],
    ['that is not there', () => opened(undefined, path.join(directory, 'none')), /ENOENT/],
    [
      'in the folder of the rotation file',
      () => copyFile(file, path.join(repository, 'k')).then(() => opened(undefined, path.join(repository, 'k'))),
      /keep the private key elsewhere/,
    ],
  ])('refuses one %s', async (_what, open, reason) => {
    await expect(open()).rejects.toMatchObject({
      code: 'evidence-signer-unusable',
      facts: { reason: expect.stringMatching(reason) },
    });
  });
});
