import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity } from '../../../lib/key-material/age-identity';
import { checkRecipients } from '../../../lib/key-material/age-recipients';
import { temporaryFolder } from './kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);

test('writes an identity that age reads, for the owner alone, and returns its recipient', async () => {
  const path = join(folder.path, 'identity.txt');
  const { recipient } = await generateIdentity(path, { now: new Date('2026-11-24T00:00:00Z') });
  const [created, publicKey, identity] = readFileSync(path, 'utf8').split('\n');
  expect(created).toBe('# created: 2026-11-24T00:00:00.000Z');
  expect(publicKey).toBe(`# public key: ${recipient}`);
  const { identityToRecipient } = await import('age-encryption');
  expect(await identityToRecipient(identity ?? '')).toBe(recipient);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(checkRecipients([recipient])).resolves.toBeUndefined();
});

test('refuses to overwrite an identity', async () => {
  const path = join(folder.path, 'twice.txt');
  await generateIdentity(path);
  const before = readFileSync(path);
  await expect(generateIdentity(path)).rejects.toMatchObject({ code: 'identity-exists' });
  expect(readFileSync(path)).toEqual(before);
});

test('fails when the folder is missing', async () => {
  const path = join(folder.path, 'missing', 'identity.txt');
  await expect(generateIdentity(path)).rejects.toMatchObject({ code: 'identity-write-failed' });
});
