/** The only entry point for a rotation file: parses the text, or reports all of its faults together. */
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isMap, isScalar } from 'yaml';
import { type FileFault, KeyturnError } from '../errors';
import { bindingPath, readBindingText, withBinding } from './binding';
import { inReadingOrder, shownText } from './faults';
import { LIMITS } from './field-messages';
import { uselessRecipients } from './recipients';
import type { Rotation } from './rotation';
import type { RotationFile } from './rotation-schema';
import { type ExpiredVersions, ruleFaults } from './rules';
import { checkSchema } from './schema-faults';
import { messagesAt } from './schema-fields';
import type { Custody } from './settings';
import { readYaml, type YamlSource } from './yaml-source';

export interface ParseOptions {
  /** The time that `materialValidTo` is compared with. */
  readonly now: Date;
  /**
   * `accept` reads a file whose active or later versions have expired, for commands that only read or that propose a
   * fix. Default `refuse`.
   */
  readonly expired?: ExpiredVersions;
}

/**
 * For synthesis, whose result must not depend on when it runs: no expiry reaches Terraform. The commands that import material
 * compare dates with the clock.
 */
const NO_DAY: ParseOptions = { now: new Date(8.64e15), expired: 'accept' };

/**
 * Reads and checks a rotation file, and the binding beside it.
 *
 * @param path - the file; shown in errors as given.
 * @param options - default: dates are not compared with the clock, which is right for a program that synthesizes
 * @throws KeyturnError `rotation-file-missing`, `rotation-file-unreadable`, `rotation-file-invalid`, `binding-invalid`
 */
export async function loadRotation(path: string, options: ParseOptions = NO_DAY): Promise<Rotation> {
  const rotation = await parseRotation(await readRotationText(path), path, options);
  return withBinding(rotation, await readBindingText(path), bindingPath(path));
}

/**
 * The unchanged text of a rotation file, for edits: UTF-8 with its line ends and byte-order mark.
 *
 * @throws KeyturnError `rotation-file-missing`, `rotation-file-unreadable`
 */
export async function readRotationText(path: string): Promise<string> {
  const bytes = await readAtMost(path, LIMITS.fileBytes + 1).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new KeyturnError('rotation-file-missing', { file: path }, error);
    throw new KeyturnError('rotation-file-unreadable', { file: path, reason: error.code ?? error.message }, error);
  });
  if (bytes.length > LIMITS.fileBytes)
    throw new KeyturnError('rotation-file-unreadable', {
      file: path,
      reason: `it is larger than ${LIMITS.fileBytes} bytes`,
    });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new KeyturnError('rotation-file-unreadable', { file: path, reason: 'it is not UTF-8 text' }, error);
  }
}

async function readAtMost(path: string, most: number): Promise<Uint8Array> {
  await using file = await open(path, 'r');
  const buffer = new Uint8Array(most);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, most - length);
    length += bytesRead;
    if (bytesRead === 0 || length === most) return buffer.subarray(0, length);
  }
}

/**
 * Checks the text of a rotation file, without its binding. It is asynchronous only because age checks the recipients; it
 * has no side effects.
 *
 * @param file - path of the file: shown in faults, and the base of relative paths in it.
 * @throws KeyturnError `rotation-file-invalid`, with every fault of the file in reading order
 */
export async function parseRotation(text: string, file: string, options: ParseOptions): Promise<Rotation> {
  const source = readYaml(text);
  if (source.value === undefined)
    throw new KeyturnError('rotation-file-invalid', { file, faults: inReadingOrder(source.faults) });
  const value = withAccountAsWritten(source);
  const schema = checkSchema(source, value);
  const rules = ruleFaults(source, value, { now: options.now, expired: options.expired ?? 'refuse' });
  const recipients = await recipientFaults(source, value);
  const faults = inReadingOrder([...source.faults, ...schema.faults, ...rules, ...recipients]);
  if (faults.length > 0 || !schema.data) throw new KeyturnError('rotation-file-invalid', { file, faults });
  return toRotation(schema.data, resolve(file));
}

/** YAML reads an account id without quotes as a number and drops leading zeros, so the text as written counts. */
function withAccountAsWritten(source: YamlSource): unknown {
  const { contents } = source.document;
  const node = isMap(contents) ? contents.get('account', true) : undefined;
  if (!isScalar(node) || typeof node.value !== 'number' || !/^\d{12}$/.test(node.source ?? '')) return source.value;
  return { ...(source.value as Record<string, unknown>), account: node.source };
}

async function recipientFaults(source: YamlSource, value: unknown): Promise<FileFault[]> {
  const age = (value as { custody?: { age?: { recipients?: unknown } | null } | null } | null)?.custody?.age;
  const given: readonly unknown[] = Array.isArray(age?.recipients) ? age.recipients : [];
  const texts = given.flatMap((text, index) =>
    typeof text === 'string' && text.startsWith('age1')
      ? [{ text, path: ['custody', 'age', 'recipients', index] }]
      : [],
  );
  const useless = await uselessRecipients(texts.map(({ text }) => text));
  const seen = new Set<string>();
  return texts.flatMap(({ text, path }): FileFault[] => {
    if (useless.has(text)) return [source.faultAt(path, { given: shownText(text), ...messagesAt(path) })];
    const again = seen.has(text);
    seen.add(text);
    const words = {
      given: `${shownText(text)} a second time`,
      allowed: 'each recipient once',
      change: 'remove one of the two',
    };
    return again ? [source.faultAt(path, words)] : [];
  });
}

function toRotation(file: RotationFile, path: string): Rotation {
  const { awsProvider, s3, stacks } = file.terraform;
  const terraform = { awsProvider, ...(stacks === undefined ? {} : { stacks }) };
  return {
    file: path,
    binding: [],
    name: file.name,
    region: file.region,
    account: file.account,
    alias: file.alias,
    strategy: file.strategy,
    keyVersions: file.keyVersions.map((version) => ({
      name: version.name,
      materialValidTo: version.materialValidTo === undefined ? undefined : new Date(version.materialValidTo),
      keyArn: version.keyArn,
      ...(version.takeOver === undefined ? {} : { takeOver: version.takeOver }),
      ...(version.keptPolicy === undefined ? {} : { keptPolicy: version.keptPolicy }),
      retire: version.retire,
      disabled: version.disabled,
      ...(version.custodyWaiver === undefined ? {} : { custodyWaiver: version.custodyWaiver }),
    })),
    activeVersion: file.activeVersion,
    buckets: file.buckets,
    ...(file.adopted === undefined ? {} : { adopted: file.adopted }),
    keyPolicy: file.keyPolicy,
    expiry: {
      alarmTopicArn: file.expiry.alarmTopicArn,
      warnDays: file.expiry.warnDays.toSorted((a, b) => b - a),
    },
    deletionWindowDays: file.deletionWindowDays,
    rotateEveryDays: file.rotateEveryDays,
    tags: file.tags,
    custody: toCustody(file.custody, dirname(path)),
    reencrypt: { ...file.reencrypt, batch: file.reencrypt.batch },
    evidence: { bucket: file.evidence.bucket, signer: file.evidence.signer },
    retire: { ...file.retire, unusedForDays: file.retire.unusedForDays, rehearseAs: file.retire.rehearseAs },
    access: file.access,
    review: file.review,
    ...(file.aws === undefined ? {} : { aws: file.aws }),
    terraform: s3
      ? {
          ...terraform,
          backend: 's3',
          s3: { bucket: s3.bucket, region: s3.region ?? file.region, prefix: s3.prefix, kmsKeyId: s3.kmsKeyId },
        }
      : { ...terraform, backend: 'local' },
  };
}

/** Paths are relative to the folder of the rotation file; a program without a slash is searched on PATH. */
function toCustody({ age, command, pkcs11, drillEveryDays }: RotationFile['custody'], home: string): Custody {
  const at = (path: string): string => resolve(home, path);
  const [program = '', ...args] = command?.run ?? [];
  return {
    age: age && { recipients: age.recipients, directory: at(age.directory) },
    command: command && {
      run: [program.includes('/') ? at(program) : program, ...args],
      directory: at(command.directory),
      timeoutSeconds: command.timeoutSeconds,
    },
    pkcs11: pkcs11 && {
      module: at(pkcs11.module),
      token: pkcs11.token,
      pinFile: pkcs11.pinFile === undefined ? undefined : at(pkcs11.pinFile),
      directory: at(pkcs11.directory),
    },
    drillEveryDays,
  };
}
