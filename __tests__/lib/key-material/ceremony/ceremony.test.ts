import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity } from '../../../../lib/key-material/age-identity';
import {
  acceptAnswer,
  answerRequest,
  readWrappedAnswer,
  type WrappedAnswer,
  writeWrappedAnswer,
} from '../../../../lib/key-material/ceremony/wrapped-answer';
import {
  createWrappingRequest,
  readWrappingRequest,
  type WrappingRequest,
  writeWrappingRequest,
} from '../../../../lib/key-material/ceremony/wrapping-request';
import { createAgeCustodian } from '../../../../lib/key-material/custody/age-custodian';
import { describeKey } from '../../../../lib/kms/describe-key';
import { importMaterial } from '../../../../lib/kms/import-key-material';
import { importParameters } from '../../../../lib/kms/import-parameters';
import { proveImport } from '../../../../lib/kms/prove-import';
import { startEndpoint } from '../../aws/endpoint';
import { createExternalKey } from '../../kms/external-key';
import { KEY_ARN, OTHER_KEY_ARN, parametersFor, rsaPair, temporaryFolder, unwrap } from '../kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);
const identityFile = join(folder.path, 'identity.txt');
let recipients: string[];
beforeAll(async () => {
  recipients = [(await generateIdentity(identityFile)).recipient];
});

let count = 0;
const newPath = () => {
  count += 1;
  return join(folder.path, `file${count}`);
};
const custodianIn = (directory = newPath()) => createAgeCustodian({ rotation: 'test', directory, recipients });
const about = { rotation: 'test', version: 'v2' };
const source = { kind: 'generate' } as const;
const request = (keyArn = KEY_ARN) => createWrappingRequest(parametersFor(keyArn), about);
const answered = async (to = request()) => answerRequest(await custodianIn(), to, { source });
/** Custody as the reviewed rotation file declares it. */
const ours = () => ({ kind: 'age', recipients }) as const;
const tomorrow = () => new Date(Date.now() + 25 * 60 * 60 * 1000);

test('three steps on two machines bring material into KMS, and only files pass between them', async () => {
  const endpoint = await startEndpoint();
  const { kms } = endpoint.clients;
  const [requestFile, answerFile] = [newPath(), newPath()];
  const keyArn = await createExternalKey(kms);
  const parameters = await importParameters(kms, keyArn, { spec: 'RSA_3072' });
  await writeWrappingRequest(requestFile, createWrappingRequest(parameters, about));

  const there = await custodianIn();
  const answer = await answerRequest(there, await readWrappingRequest(requestFile), { source });
  await writeWrappedAnswer(answerFile, answer);

  const back = await readWrappedAnswer(answerFile);
  const { importToken, wrapped } = acceptAnswer(await readWrappingRequest(requestFile), back, {
    keyArn,
    custody: ours(),
  });
  const { keyMaterialId } = await importMaterial(kms, { keyArn, importToken, wrapped, importType: 'NEW_KEY_MATERIAL' });
  expect(await describeKey(kms, keyArn)).toMatchObject({ state: 'Enabled', currentKeyMaterialId: keyMaterialId });
  expect(await proveImport(kms, keyArn, 'test')).toEqual({ keyMaterialId });
  await endpoint.close();
});

test('the request shows what a person compares: fingerprint, key ARN, end of validity', () => {
  const made = request();
  expect(made).toMatchObject({ keyArn: KEY_ARN, rotation: 'test', version: 'v2', algorithm: 'RSAES_OAEP_SHA_256' });
  expect(made.publicKeySha256).toMatch(/^[0-9a-f]{64}$/);
  expect(Date.parse(made.validTo)).toBeGreaterThan(Date.now());
});

test('answering twice gives the same material, without an identity for the same request', async () => {
  const custodian = await custodianIn();
  const to = request();
  const first = await answerRequest(custodian, to, { source });
  expect(await answerRequest(custodian, to, { source })).toEqual(first);
});

test('another request for the same key needs the identity, and gets the same material', async () => {
  const custodian = await custodianIn();
  const first = await answerRequest(custodian, request(), { source });
  const other = createWrappingRequest(parametersFor(KEY_ARN, 'RSA_3072'), about);
  await expect(answerRequest(custodian, other, { source })).rejects.toMatchObject({ code: 'custody-identity-needed' });
  const second = await answerRequest(custodian, other, { source, identityFile });
  expect(second.publicKeySha256).toBe(other.publicKeySha256);
  const opened = unwrap(Buffer.from(second.wrapped, 'base64'), 'RSA_3072');
  expect(opened).toEqual(unwrap(Buffer.from(first.wrapped, 'base64')));
});

describe('refused', () => {
  const refusal = (change: {
    request?: Partial<WrappingRequest>;
    answer?: Partial<WrappedAnswer>;
    keyArn?: string;
    copyHere?: string;
  }) =>
    answered().then((answer) => {
      const merged = { ...answer, ...change.answer };
      const asked = { ...request(), ...change.request };
      const { keyArn = KEY_ARN, copyHere } = change;
      return () => acceptAnswer(asked, merged, { keyArn, custody: ours(), copyHere });
    });

  const cases: [string, Parameters<typeof refusal>[0], string][] = [
    ['for another key than the version has now', { keyArn: OTHER_KEY_ARN }, 'the request is for'],
    ['wrapped for another key', { answer: { keyArn: OTHER_KEY_ARN } }, 'it was wrapped for'],
    ['of another version', { answer: { version: 'v3' } }, 'its version is v3'],
    ['of another rotation', { answer: { rotation: 'other' } }, 'its rotation is other'],
    ['wrapped under another public key', { answer: { publicKeySha256: 'b'.repeat(64) } }, 'another request'],
    ['with altered bytes', { answer: { wrapped: Buffer.alloc(256, 1).toString('base64') } }, 'digest'],
    [
      'with a blob of another modulus',
      { request: { wrappingKeySpec: 'RSA_4096' } },
      '256 bytes, but RSA_4096 produces 512',
    ],
    ['for recipients of its own', { answer: { recipients: ['age1other'] } }, 'for the recipients age1other'],
    ['in custody of another kind', { answer: { custody: { kind: 'command', binding: 'b' } } }, 'by command'],
    ['beside another copy here', { copyHere: 'c'.repeat(64) }, 'holds another copy'],
  ];
  test.each(cases)('is an answer %s', async (_name, change, reason) => {
    const accept = await refusal(change);
    expect(accept).toThrow(reason);
    expect(accept).toThrow(expect.objectContaining({ code: 'ceremony-mismatch' }));
  });

  test('is a request whose token has run out, on both machines', async () => {
    const now = tomorrow();
    const answer = await answered();
    const accept = () => acceptAnswer(request(), answer, { keyArn: KEY_ARN, custody: ours(), now });
    expect(accept).toThrow(expect.objectContaining({ code: 'ceremony-stale' }));
    const late = answerRequest(await custodianIn(), request(), { source, now });
    await expect(late).rejects.toMatchObject({ code: 'ceremony-stale' });
  });

  test('is custody of another rotation', async () => {
    const custodian = await createAgeCustodian({ rotation: 'other', directory: newPath(), recipients });
    await expect(answerRequest(custodian, request(), { source })).rejects.toMatchObject({ code: 'ceremony-mismatch' });
  });

  test('is custody of another key', async () => {
    const custodian = await custodianIn();
    await answerRequest(custodian, request(), { source });
    const other = answerRequest(custodian, request(OTHER_KEY_ARN), { source, identityFile });
    await expect(other).rejects.toMatchObject({ code: 'custody-other-key' });
  });

  test('is a weak public key, before a request is made of it', () => {
    const publicKey = rsaPair('RSA_2048').publicKey.export({ type: 'spki', format: 'der' });
    const make = () => createWrappingRequest({ ...parametersFor(), publicKey, spec: 'RSA_4096' }, about);
    expect(make).toThrow(expect.objectContaining({ code: 'wrapping-key-rejected' }));
  });
});

describe('the files of a ceremony', () => {
  test('are never overwritten', async () => {
    const path = newPath();
    await writeWrappingRequest(path, request());
    const before = readFileSync(path);
    await expect(writeWrappingRequest(path, request())).rejects.toThrow('exists already');
    expect(readFileSync(path)).toEqual(before);
  });

  test('are refused when they are missing, malformed, or the other one', async () => {
    const path = newPath();
    await expect(readWrappingRequest(path)).rejects.toMatchObject({ code: 'ceremony-file' });
    writeFileSync(path, '{');
    await expect(readWrappingRequest(path)).rejects.toMatchObject({ code: 'ceremony-file' });
    const other = newPath();
    await writeWrappedAnswer(other, await answered());
    await expect(readWrappingRequest(other)).rejects.toThrow('not a wrapping request');
  });

  test('a request whose public key was swapped is noticed', async () => {
    const path = newPath();
    const swapped = rsaPair('RSA_3072').publicKey.export({ type: 'spki', format: 'der' });
    await writeWrappingRequest(path, { ...request(), publicKey: swapped.toString('base64') });
    await expect(readWrappingRequest(path)).rejects.toThrow('fingerprint');
  });
});
