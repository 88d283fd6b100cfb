import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { type ErrorCode, KeyturnError } from '../../../lib/errors';
import { readKeyMaterialFile } from '../../../lib/key-material/material-file';
import { KeyMaterial } from '../../../lib/key-material/secret';
import { temporaryFolder } from './kms-stand-in';

const folder = temporaryFolder();
afterAll(folder.cleanUp);
const fileWith = (bytes: Buffer | string) => {
  const path = join(folder.path, randomBytes(4).toString('hex'));
  writeFileSync(path, bytes);
  return path;
};
const codeOf = async (path: string): Promise<ErrorCode | 'read'> => {
  try {
    (await readKeyMaterialFile(path))[Symbol.dispose]();
    return 'read';
  } catch (error) {
    if (error instanceof KeyturnError) return error.code;
    throw error;
  }
};

test('reads exactly the 32 bytes of the file', async () => {
  const bytes = randomBytes(32);
  using material = await readKeyMaterialFile(fileWith(bytes));
  expect(material.withBytes('test', (read) => read.equals(bytes))).toBe(true);
});

test.each([
  ['an empty file', Buffer.alloc(0)],
  ['31 bytes', randomBytes(31)],
  ['a trailing newline', Buffer.concat([randomBytes(32), Buffer.from('\n')])],
  ['hex', randomBytes(32).toString('hex')],
  ['base64', `${randomBytes(32).toString('base64')}\n`],
])('refuses %s by its length', async (_name, bytes) => {
  expect(await codeOf(fileWith(bytes))).toBe('key-material-length');
});

test('an error shows the length and the path, never a byte', async () => {
  const bytes = randomBytes(64);
  const path = fileWith(bytes);
  const error = await readKeyMaterialFile(path).catch((thrown: unknown) => thrown);
  const text = `${inspect(error)} ${JSON.stringify(error)}`;
  expect(text).toContain('64 bytes');
  expect(text).toContain(path);
  for (const encoding of ['hex', 'base64', 'latin1'] as const) expect(text).not.toContain(bytes.toString(encoding));
});

test('refuses a missing file, a directory and 32 zero bytes', async () => {
  mkdirSync(join(folder.path, 'directory'));
  expect(await codeOf(join(folder.path, 'missing'))).toBe('key-material-file');
  expect(await codeOf(join(folder.path, 'directory'))).toBe('key-material-file');
  expect(await codeOf(fileWith(Buffer.alloc(32)))).toBe('key-material-weak');
});

test('zeroes the buffer it read into when the bytes are refused', async () => {
  const take = jest.spyOn(KeyMaterial, 'take');
  await codeOf(fileWith(Buffer.alloc(32, 7)));
  const [buffer] = take.mock.calls[0] ?? [];
  expect(buffer).toEqual(Buffer.alloc(32));
  take.mockRestore();
});

test('an unreadable file is named with the reason', async () => {
  const path = fileWith(randomBytes(32));
  chmodSync(path, 0o000);
  const expected = process.getuid?.() === 0 ? 'read' : 'key-material-file';
  expect(await codeOf(path)).toBe(expected);
});
