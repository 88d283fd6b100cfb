import { KeyturnError } from '../../errors';
import { createAgeCustodian } from '../../key-material/custody/age-custodian';
import { createCommandCustodian } from '../../key-material/custody/command-custodian';
import type { Custodian } from '../../key-material/custody/custodian';
import { readRecord } from '../../key-material/custody/custody-record';
import { nodeFiles } from '../../key-material/custody/file-operations';
import { createNoCustodian } from '../../key-material/custody/no-custodian';
import { createPkcs11Custodian } from '../../key-material/custody/pkcs11-custodian';
import { custodyDirectory, type Rotation } from '../../rotation/rotation';

export interface CustodianOptions {
  /** True: `--no-custody` was said aloud. */
  readonly noCustody: boolean;
  /** Environment of a custodian command; a hardware module's PIN may stand in it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * The custodian that the rotation file chooses, opened at the first call and kept.
 *
 * @throws custody-recipients-missing where the file names nobody and the command line did not say `--no-custody`
 */
export function openCustodian(
  rotation: Pick<Rotation, 'name' | 'custody'>,
  options: CustodianOptions,
): () => Promise<Custodian> {
  let opened: Promise<Custodian> | undefined;
  return () => {
    opened ??= open(rotation, options);
    return opened;
  };
}

/**
 * The custodian that holds the material of a version: the one that its custody record names. A rotation that changed its
 * kind of custody still has earlier copies in the other one.
 *
 * @throws custody-of-another-kind where the rotation file no longer says how to reach it, and as {@link openCustodian}
 */
export async function custodianOf(
  run: { readonly rotation: Pick<Rotation, 'name' | 'custody'>; custodian(): Promise<Custodian> },
  version: string,
): Promise<Custodian> {
  const { name, custody } = run.rotation;
  const directory = custodyDirectory(custody);
  const record = directory === undefined ? undefined : await readRecord({ directory, files: nodeFiles }, name, version);
  const declared = custody.command ? 'command' : custody.pkcs11 ? 'pkcs11' : 'age';
  const kind = record?.custody.kind ?? declared;
  if (kind === declared || kind === 'none' || directory === undefined) return run.custodian();
  if (kind !== 'age') throw new KeyturnError('custody-of-another-kind', { version, kind, declared });
  return createAgeCustodian({ rotation: name, directory, recipients: record?.custody.recipients ?? [] });
}

async function open(
  { name, custody }: Pick<Rotation, 'name' | 'custody'>,
  { noCustody, env, signal }: CustodianOptions,
): Promise<Custodian> {
  if (noCustody) return createNoCustodian(name);
  const { age, command, pkcs11 } = custody;
  if (command) {
    const { run, directory, timeoutSeconds } = command;
    return createCommandCustodian({
      rotation: name,
      command: run,
      directory,
      env,
      signal,
      timeoutMs: timeoutSeconds * 1000,
    });
  }
  if (pkcs11) return createPkcs11Custodian({ rotation: name, ...pkcs11, pin: env.KEYTURN_PKCS11_PIN });
  if (!age) throw new KeyturnError('custody-recipients-missing', { rotation: name });
  return createAgeCustodian({ rotation: name, directory: age.directory, recipients: age.recipients });
}
