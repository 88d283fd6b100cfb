import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Names the usual way in which 32 bytes turn into another number of bytes. The bytes themselves are never shown. */
function lengthHint(length: number, expected: number): string {
  const guesses: Readonly<Record<number, string>> = {
    [expected + 1]: 'a trailing newline is the usual reason',
    [expected * 2]: 'it is probably written in hex',
    [expected * 2 + 1]: 'it is probably written in hex, with a trailing newline',
    44: 'it is probably written in base64',
    45: 'it is probably written in base64, with a trailing newline',
    16: 'a 128-bit key is too short for SYMMETRIC_DEFAULT',
  };
  const guess = guesses[length] ?? 'hex, base64 or a trailing newline is the usual reason';
  return `${guess}; the file must hold the ${expected} raw bytes and nothing else`;
}

/** Errors of key material, custody, hardware modules and the ceremony. */
export const keyMaterialErrors = {
  'key-material-length': entry<{ source: string; length: number; expected: number }>(
    EXIT.usage,
    (f) => `key material from ${f.source} is ${f.length} bytes long, it must be exactly ${f.expected}`,
    (f) => lengthHint(f.length, f.expected),
  ),
  'key-material-weak': entry<{ source: string }>(
    EXIT.usage,
    (f) => `key material from ${f.source} is one byte value repeated, that is no key`,
    () => 'use 32 random bytes, or let pre-apply generate them',
  ),
  'key-material-file': entry<{ path: string; reason: string }>(
    EXIT.usage,
    (f) => `cannot read key material from ${f.path}: ${f.reason}`,
    () => 'name a readable regular file that holds exactly 32 bytes',
  ),
  'key-material-disposed': entry<{ during: string }>(
    EXIT.error,
    (f) => `key material was used after it was zeroed (${f.during})`,
    () => 'this is a fault of keyturn, please report it; nothing was imported',
  ),
  'wrapping-key-rejected': entry<{ keyArn: string; reason: string }>(
    EXIT.error,
    (f) => `the wrapping key that KMS handed out for ${f.keyArn} was not used: ${f.reason}`,
    () => 'nothing was wrapped under it; check the endpoint (AWS_ENDPOINT_URL) and run pre-apply again',
  ),
  'import-token-stale': entry<{ keyArn: string; validTo: string }>(
    EXIT.error,
    (f) => `the import token for ${f.keyArn} was valid until ${f.validTo}`,
    () => 'run pre-apply again: it fetches a new token and wraps the material of custody under it',
  ),
  'custody-recipients-missing': entry<{ rotation: string }>(
    EXIT.usage,
    (f) => `${f.rotation} names no custody recipients, and KMS never gives key material back`,
    () =>
      'add custody.age.recipients to the rotation file (keyturn keygen makes an identity), or custody.command or custody.pkcs11, or say --no-custody',
  ),
  'custody-recipient-invalid': entry<{ recipient: string; reason: string }>(
    EXIT.rotationFile,
    (f) => `${f.recipient} cannot be a custody recipient: ${f.reason}`,
    () =>
      'correct custody.age.recipients in the rotation file; a recipient starts with age1 and is printed by keyturn keygen',
  ),
  'custody-exists': entry<{ file: string }>(
    EXIT.error,
    (f) => `${f.file} exists already and is never overwritten`,
    () => 'another run is preparing the same key version; let it finish, then run the same command again',
  ),
  'custody-identity-needed': entry<{ file: string; keyArn: string }>(
    EXIT.usage,
    (f) => `${f.file} already holds the material of ${f.keyArn}, and it must be opened to wrap it again`,
    () =>
      'pass --identity <age identity file>; keyturn never generates a second material for a key that has custody of one',
  ),
  'custody-identity-file': entry<{ path: string; reason: string }>(
    EXIT.usage,
    (f) => `cannot use age identity file ${f.path}: ${f.reason}`,
    () => 'name the file that keyturn keygen wrote, or another file with AGE-SECRET-KEY-1… lines',
  ),
  'custody-identity-mismatch': entry<{ file: string; identity: string }>(
    EXIT.error,
    (f) => `no identity in ${f.identity} opens ${f.file}`,
    () => 'use the identity of one of the recipients that the custody record beside it lists',
  ),
  'custody-damaged': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `${f.file} is damaged: ${f.reason}`,
    () => 'restore it from a backup; do not delete it while its key is in use, KMS never gives key material back',
  ),
  'custody-other-key': entry<{ file: string; keyArn: string; held: string }>(
    EXIT.error,
    (f) => `${f.file} belongs to ${f.held}, not to ${f.keyArn}`,
    () => 'move the custody files of the other key to a safe place, or point custody.age.directory elsewhere',
  ),
  'custody-absent': entry<{ version: string; file: string }>(
    EXIT.error,
    (f) => `custody holds no material of ${f.version}: nothing at ${f.file}`,
    () =>
      'run it where the custody is, or bring its files to the directory that the rotation file names; no other material will do',
  ),
  'material-not-ours': entry<{ version: string; reason: string }>(
    EXIT.usage,
    (f) => `there is no material of ${f.version} that Keyturn imported: ${f.reason}`,
    () => 'name a version whose material is in custody; `npx keyturn status` lists them',
  ),
  'extend-refused': entry<{ version: string; reason: string }>(
    EXIT.usage,
    (f) => `the material of ${f.version} is not extended: ${f.reason}`,
    () => 'nothing was changed; `npx keyturn status` shows the date of every version',
  ),
  'drill-refused': entry<{ version: string; state: string; next: string }>(
    EXIT.refusedByGate,
    (f) => `${f.version} cannot be drilled: its key is ${f.state}`,
    (f) => f.next,
  ),
  'drill-failed': entry<{ version: string; keyArn: string; file: string }>(
    EXIT.error,
    (f) => `custody does not hold the material of ${f.version}: KMS refuses what ${f.file} holds for ${f.keyArn}`,
    () =>
      'nothing was changed and the key works on; find the right copy before the material expires or is deleted, or rotate to a new version now',
  ),
  'custody-material-differs': entry<{ file: string; path: string }>(
    EXIT.error,
    (f) => `the material in ${f.path} is not the material in ${f.file}`,
    () => 'leave out --material-file to go on with the material in custody; it is never replaced',
  ),
  'custody-read-failed': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot read ${f.file}: ${f.reason}`,
    () =>
      'fix the permissions or the path in custody.age.directory and run the same command again; nothing was imported',
  ),
  'custody-write-failed': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot write ${f.file}: ${f.reason}`,
    () => 'free the disk or fix the permissions and run the same command again; nothing was imported',
  ),
  'custodian-failed': entry<{ command: string; action: string; reason: string; output: string }>(
    EXIT.error,
    (f) =>
      `custodian command ${f.command} failed to ${f.action}: ${f.reason}${f.output ? ` (it said: ${f.output})` : ''}`,
    () => 'run the command by hand as docs/custodian-command.md describes; nothing was imported',
  ),
  'hsm-unavailable': entry<{ module: string; reason: string }>(
    EXIT.error,
    (f) => `cannot use the PKCS#11 module ${f.module}: ${f.reason}`,
    () =>
      'correct custody.pkcs11 in the rotation file, or connect the module; docs/key-material.md says how to set it up',
  ),
  'hsm-pin': entry<{ token: string; reason: string }>(
    EXIT.usage,
    (f) => `token ${f.token} does not log in: ${f.reason}`,
    () =>
      'give its user PIN in the file that custody.pkcs11.pinFile names; a locked token is unlocked by its security officer',
  ),
  'hsm-unfit': entry<{ token: string; reason: string }>(
    EXIT.error,
    (f) => `token ${f.token} cannot wrap for KMS: ${f.reason}`,
    () => 'nothing was imported; docs/key-material.md lists which modules wrap with which algorithm',
  ),
  'hsm-failed': entry<{ token: string; action: string; reason: string }>(
    EXIT.error,
    (f) => `token ${f.token} failed to ${f.action}: ${f.reason}`,
    () => 'look at the module with its own tools and run the same command again; nothing was imported',
  ),
  'hsm-refuses-file': entry<{ path: string }>(
    EXIT.usage,
    (f) => `custody.pkcs11 makes the material inside the module, so ${f.path} cannot be used`,
    () => 'leave out --material-file, or choose custody.age for material that comes from a file',
  ),
  'ceremony-file': entry<{ path: string; reason: string }>(
    EXIT.usage,
    (f) => `${f.path}: ${f.reason}`,
    () => 'name the file that the step before wrote, unchanged; an existing file is never overwritten',
  ),
  'ceremony-mismatch': entry<{ reason: string }>(
    EXIT.error,
    (f) => `the wrapped material does not fit the request: ${f.reason}`,
    () =>
      'nothing was imported; wrap again with the request that belongs to this key, and compare its fingerprint by phone',
  ),
  'ceremony-stale': entry<{ keyArn: string; validTo: string }>(
    EXIT.error,
    (f) => `the wrapping request for ${f.keyArn} was valid until ${f.validTo}`,
    () => 'write a new request and have the material in custody wrapped again under it; it is still the same material',
  ),
  'identity-exists': entry<{ path: string }>(
    EXIT.usage,
    (f) => `${f.path} exists already and is never overwritten: it may open custody that nothing else can`,
    () => 'choose another path, or move the old identity to a safe place first',
  ),
  'identity-write-failed': entry<{ path: string; reason: string }>(
    EXIT.error,
    (f) => `cannot write identity file ${f.path}: ${f.reason}`,
    () => 'choose a path in an existing folder that you may write to',
  ),
} as const;
