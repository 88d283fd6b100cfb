import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import { readPlanDocument } from '../review/plan-document';
import { type Values, values } from '../review/plan-values';
import type { ReviewedPlanInput } from '../review/review';
import { stackNames } from '../rotation/rotation';
import { type ReviewingOptions, showPlan } from './reviewing-terraform';

/** V8 makes no longer text: 512 MiB of JSON, far above any plan of two stacks. */
const MOST_BYTES = 512 * 1024 * 1024 - 64;

/**
 * Reads a plan as it was given: JSON, or a binary plan file, which Terraform is asked to show. The `cdk.tf.json` that it
 * was made of is read too where it stands beside it (`<plan>.cdk.tf.json` or `cdk.tf.json`).
 *
 * @param name - how errors and findings call it
 * @throws KeyturnError `review-plan-unreadable`, `review-plan-newer`, and the errors of Terraform
 */
export async function loadPlan(file: string, name: string, options: ReviewingOptions): Promise<ReviewedPlanInput> {
  const bytes = await readBytes(file, name);
  const isBinary = bytes.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004', 'latin1'));
  const content = isBinary
    ? await showPlan(file, name, await candidates(file, options), options)
    : decoded(bytes, name);
  return { plan: readPlanDocument(content, name), stackFile: await stackBeside(file) };
}

async function readBytes(file: string, name: string): Promise<Buffer> {
  const unreadable = (reason: string, cause?: unknown) =>
    new KeyturnError('review-plan-unreadable', { file: name, reason }, cause);
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(error.code === 'ENOENT' ? 'there is no such file' : String(error.code), error);
  });
  if (!found.isFile()) throw unreadable('it is no file');
  if (found.size > MOST_BYTES) throw unreadable(`it is larger than ${MOST_BYTES} bytes`);
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(String(error.code), error);
  });
}

/** UTF-8, or UTF-16 as some shells write what is redirected into a file; a byte-order mark is no part of the text. */
function decoded(bytes: Buffer, name: string): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new KeyturnError('review-plan-unreadable', { file: name, reason: 'it is no text, and no plan file' }, error);
  }
}

/** Initialized stacks that may show the plan: where it stands, then the two of the rotation. */
async function candidates(file: string, { rotation }: ReviewingOptions): Promise<readonly string[]> {
  const out = path.join(path.dirname(rotation.file), 'cdktf.out', 'stacks');
  const { keys, storage } = stackNames(rotation);
  const all = [path.dirname(file), path.join(out, keys), path.join(out, storage)];
  const initialized = await Promise.all(
    all.map((directory) =>
      stat(path.join(directory, '.terraform')).then(
        () => true,
        () => false,
      ),
    ),
  );
  return all.filter((_, index) => initialized[index]);
}

async function stackBeside(file: string): Promise<Values | undefined> {
  const base = file.replace(/\.(json|tfplan|plan)$/, '');
  for (const candidate of [`${base}.cdk.tf.json`, path.join(path.dirname(file), 'cdk.tf.json')]) {
    try {
      return values(JSON.parse(await readFile(candidate, 'utf8')));
    } catch {
      // Not there, or no configuration: the review then says that it was not seen.
    }
  }
  return undefined;
}
