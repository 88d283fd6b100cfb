import { KeyturnError } from '../../errors';
import { createAgeCustodian } from '../../key-material/custody/age-custodian';
import { createCommandCustodian } from '../../key-material/custody/command-custodian';
import type { Custodian } from '../../key-material/custody/custodian';
import { createNoCustodian } from '../../key-material/custody/no-custodian';
import { createPkcs11Custodian } from '../../key-material/custody/pkcs11-custodian';
import type { Rotation } from '../../rotation/rotation';

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
