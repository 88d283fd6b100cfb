import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { isCode, KeyturnError } from '../errors';
import type { NamedText } from '../review/expectation/expectation';
import { readPlanDocument } from '../review/plan-document';
import type { ReviewedPlanInput } from '../review/review';
import { stackNames } from '../rotation/rotation';
import { readPlanFile } from '../terraform/plan-file';
import { type ReviewingOptions, showPlan } from './reviewing-terraform';
import { isSamePlan } from './same-plan';

/** V8 makes no longer text: 512 MiB of JSON, far above any plan of two stacks. */
const MOST_BYTES = 512 * 1024 * 1024 - 64;

export interface LoadPlanOptions extends ReviewingOptions {
  /** True: this process made the JSON from the plan file beside it, so the two need no comparison. */
  readonly jsonIsShown: boolean;
}

/**
 * Reads a plan as it was given: JSON, or a binary plan file, which Terraform is asked to show. What stands beside it
 * under the same name is read too: of `keys.json` the plan file `keys.tfplan`, the stack `keys.cdk.tf.json` (or
 * `cdk.tf.json`) and the provider lock `keys.lock.hcl` (or `.terraform.lock.hcl`).
 *
 * @param name - how errors and findings call it
 * @throws KeyturnError `review-plan-unreadable`, `review-plan-newer`, and the errors of Terraform
 */
export async function loadPlan(file: string, name: string, options: LoadPlanOptions): Promise<ReviewedPlanInput> {
  const bytes = await readBytes(file, name);
  const beside = (suffix: string): string => path.join(path.dirname(name), path.basename(suffix));
  const base = file.replace(/\.(json|tfplan|plan)$/, '');
  const common = {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    stackText: await firstText([`${base}.cdk.tf.json`, path.join(path.dirname(file), 'cdk.tf.json')], beside),
    lock: (await firstText([`${base}.lock.hcl`, path.join(path.dirname(file), '.terraform.lock.hcl')], beside))?.text,
  };
  if (isPlanFile(bytes)) {
    const content = await readPlanFile(bytes, name);
    const plan = readPlanDocument(await showPlan(file, name, await candidates(file, options), options), name);
    return { ...common, plan, planFile: { ...content, name, showsThePlan: true } };
  }
  const content = decoded(bytes, name);
  const plan = readPlanDocument(content, name);
  const planFile = [`${base}.tfplan`, `${base}.plan`].find((one) => one !== file && existsSync(one));
  if (planFile === undefined) return { ...common, plan };
  const found = await readPlanFile(await readBytes(planFile, beside(planFile)), beside(planFile));
  const facts = { ...found, name: beside(planFile) };
  if (options.jsonIsShown) return { ...common, plan, planFile: { ...facts, showsThePlan: true } };
  try {
    const shown = await showPlan(planFile, beside(planFile), await candidates(planFile, options), options);
    return { ...common, plan, planFile: { ...facts, showsThePlan: isSamePlan(content, shown) } };
  } catch (error) {
    if (!isCode(error, 'review-plan-unreadable')) throw error;
    return { ...common, plan, notCompared: error.facts.reason };
  }
}

const isPlanFile = (bytes: Buffer): boolean => bytes.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004', 'latin1'));

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

/** The first of these files that is there. */
async function firstText(files: readonly string[], nameOf: (file: string) => string): Promise<NamedText | undefined> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw new KeyturnError('review-plan-unreadable', { file: nameOf(file), reason: String(error.code) }, error);
    });
    if (text !== undefined) return { name: nameOf(file), text };
  }
  return undefined;
}
