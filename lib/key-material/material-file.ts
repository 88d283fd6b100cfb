import { type FileHandle, open } from 'node:fs/promises';

import { KeyturnError } from '../errors';
import { emptyMaterial, KEY_MATERIAL_BYTES, KeyMaterial } from './secret';
import { type WrappedMaterial, type WrappingParameters, wrapKeyMaterial } from './wrap';

/**
 * Reads key material from a regular file of exactly 32 bytes, directly into the buffer of the material. It does not
 * read a file of another size, and zeroes the bytes before it throws.
 *
 * @throws KeyturnError `key-material-file`, `key-material-length`, `key-material-weak`
 */
export async function readKeyMaterialFile(path: string): Promise<KeyMaterial> {
  const handle = await openRegular(path);
  const bytes = emptyMaterial();
  try {
    const { size } = await handle.stat();
    if (size !== KEY_MATERIAL_BYTES) throw lengthError(path, size);
    const { bytesRead } = await handle.read(bytes, 0, KEY_MATERIAL_BYTES, 0);
    if (bytesRead !== KEY_MATERIAL_BYTES) throw lengthError(path, bytesRead);
    return KeyMaterial.take(bytes, path);
  } catch (error) {
    bytes.fill(0);
    throw error instanceof KeyturnError ? error : unreadable(path, error);
  } finally {
    await handle.close();
  }
}

/** Wraps the material of a file without keeping it. @throws as {@link readKeyMaterialFile} and `wrapKeyMaterial` */
export async function wrapMaterialFile(path: string, parameters: WrappingParameters): Promise<WrappedMaterial> {
  using material = await readKeyMaterialFile(path);
  return wrapKeyMaterial(material, parameters);
}

async function openRegular(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    if ((await handle.stat()).isFile()) return handle;
  } catch (error) {
    await handle.close();
    throw unreadable(path, error);
  }
  await handle.close();
  throw new KeyturnError('key-material-file', { path, reason: 'it is not a regular file' });
}

function lengthError(source: string, length: number): KeyturnError {
  return new KeyturnError('key-material-length', { source, length, expected: KEY_MATERIAL_BYTES });
}

function unreadable(path: string, error: unknown): KeyturnError {
  const reason = error instanceof Error ? error.message : String(error);
  return new KeyturnError('key-material-file', { path, reason }, error);
}
