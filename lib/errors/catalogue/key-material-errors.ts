import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Names the usual cause of a wrong length. The bytes themselves are never shown. */
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
    (f) => `key material from ${f.source} is ${f.length} bytes long; it must be exactly ${f.expected}`,
    (f) => lengthHint(f.length, f.expected),
  ),
  'key-material-weak': entry<{ source: string }>(
    EXIT.usage,
    (f) => `key material from ${f.source} repeats a single byte value, so it is not a random key`,
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
    () => 'nothing was imported; this is a bug in Keyturn, please report it',
  ),
  'wrapping-key-rejected': entry<{ keyArn: string; reason: string }>(
    EXIT.error,
    (f) => `Keyturn rejected the wrapping key that KMS returned for ${f.keyArn}: ${f.reason}`,
    () => 'nothing was wrapped under it; check the endpoint (AWS_ENDPOINT_URL) and run `npx keyturn pre-apply` again',
  ),
  'import-token-stale': entry<{ keyArn: string; validTo: string }>(
    EXIT.error,
    (f) => `the import token for ${f.keyArn} was valid until ${f.validTo}`,
    () => 'run `npx keyturn pre-apply` again: it requests a new token and wraps the material from custody again',
  ),
  'custody-recipients-missing': entry<{ rotation: string }>(
    EXIT.usage,
    (f) => `${f.rotation} declares no custody recipients, and KMS never returns key material`,
    () =>
      'add custody.age.recipients to the rotation file (`npx keyturn keygen` creates an identity), or custody.command or custody.pkcs11, or pass --no-custody',
  ),
  'custody-recipient-invalid': entry<{ recipient: string; reason: string }>(
    EXIT.rotationFile,
    (f) => `${f.recipient} cannot be a custody recipient: ${f.reason}`,
    () =>
      'correct custody.age.recipients in the rotation file; `npx keyturn keygen` prints a recipient, which starts with age1',
  ),
  'custody-exists': entry<{ file: string }>(
    EXIT.error,
    (f) => `${f.file} exists already and is never overwritten`,
    () => 'another run is preparing the same key version; wait until it ends, then run the same command again',
  ),
  'custody-identity-needed': entry<{ file: string; keyArn: string }>(
    EXIT.usage,
    (f) => `${f.file} already holds the material of ${f.keyArn}; Keyturn must decrypt it to wrap it again`,
    () =>
      'pass --identity <age identity file>; Keyturn never generates new material for a key that has material in custody',
  ),
  'custody-identity-file': entry<{ path: string; reason: string }>(
    EXIT.usage,
    (f) => `cannot use age identity file ${f.path}: ${f.reason}`,
    () => 'name the file that `npx keyturn keygen` wrote, or another file with AGE-SECRET-KEY-1… lines',
  ),
  'custody-identity-mismatch': entry<{ file: string; identity: string }>(
    EXIT.error,
    (f) => `no identity in ${f.identity} opens ${f.file}`,
    () => 'use the identity of a recipient that is listed in the custody record next to it',
  ),
  'custody-damaged': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `${f.file} is damaged: ${f.reason}`,
    () => 'restore it from a backup; do not delete it while its key is in use: KMS never returns key material',
  ),
  'custody-other-key': entry<{ file: string; keyArn: string; held: string }>(
    EXIT.error,
    (f) => `${f.file} belongs to ${f.held}, not to ${f.keyArn}`,
    () => 'move the custody files of the other key to a safe place, or set custody.age.directory to another directory',
  ),
  'custody-copy-unknown': entry<{ version: string; file: string }>(
    EXIT.refusedByGate,
    (f) =>
      `${f.file} holds a copy for ${f.version} that no run of this rotation made, as far as the evidence here shows; whoever made it may know the material`,
    () =>
      'bring the evidence of the run that made it (.keyturn/evidence), or move the copy away and run the command again: it generates new material. Material of your own is imported with --material-file',
  ),
  'custody-absent': entry<{ version: string; file: string }>(
    EXIT.error,
    (f) => `custody holds no material of ${f.version}: no copy is at ${f.file}`,
    () =>
      'run the command where the custody files are, or copy them to the custody directory of the rotation file; no other material works',
  ),
  'material-not-ours': entry<{ version: string; reason: string }>(
    EXIT.usage,
    (f) => `Keyturn imported no material of ${f.version}: ${f.reason}`,
    () => 'name a version that has material in custody; `npx keyturn status` lists them',
  ),
  'extend-refused': entry<{ version: string; reason: string }>(
    EXIT.usage,
    (f) => `Keyturn did not extend the expiry of ${f.version}: ${f.reason}`,
    () => 'nothing was changed; `npx keyturn status` shows the expiry of every version',
  ),
  'drill-refused': entry<{ version: string; state: string; next: string }>(
    EXIT.refusedByGate,
    (f) => `${f.version} cannot be tested by a drill: its key is ${f.state}`,
    (f) => f.next,
  ),
  'drill-failed': entry<{ version: string; keyArn: string; file: string }>(
    EXIT.error,
    (f) => `custody does not hold the material of ${f.version}: KMS rejected the content of ${f.file} for ${f.keyArn}`,
    () =>
      'nothing was changed and the key still works; find the right copy before the material expires or is deleted, or rotate to a new version now',
  ),
  'hsm-key-foreign': entry<{ file: string; reason: string }>(
    EXIT.refusedByGate,
    (f) => `${f.file} is not material of this rotation: ${f.reason}`,
    () =>
      'find out who made that key, and rename or remove it in the module; Keyturn uses only keys that the module generated and that were never readable',
  ),
  'custody-shared-name': entry<{ file: string; rotation: string; version: string; held: string }>(
    EXIT.refusedByGate,
    (f) => `${f.file} belongs to ${f.held}, not to version ${f.version} of ${f.rotation}: both have that file name`,
    () => 'nothing was changed; give each rotation a custody directory of its own, and declare it in the rotation file',
  ),
  'custody-of-another-kind': entry<{ version: string; kind: string; declared: string }>(
    EXIT.error,
    (f) => `the material of ${f.version} is in custody by ${f.kind}, and the rotation file declares ${f.declared}`,
    (f) =>
      `declare custody.${f.kind} again to use that copy, or rotate to a version whose material is in the new custody`,
  ),
  'drills-failed': entry<{
    failed: readonly { readonly version: string; readonly code: string; readonly message: string }[];
  }>(
    EXIT.error,
    (f) =>
      ['not every drill passed:', ...f.failed.map((one) => `  - ${one.version}: ${one.message} (${one.code})`)].join(
        '\n',
      ),
    () => 'run `npx keyturn drill --version <name>` for each of them: its error names the next step',
  ),
  'custody-differs': entry<{ version: string; file: string }>(
    EXIT.error,
    (f) => `the copy of ${f.version} in custody (${f.file}) is not what was stored there`,
    () =>
      'nothing was imported, so nothing depends on that copy; repair the custodian, remove the copy from it, and run the same command again',
  ),
  'material-of-another': entry<{ version: string; keyArn: string; keyMaterialId: string; file: string }>(
    EXIT.refusedByGate,
    (f) =>
      `somebody else imported material into ${f.version} (${f.keyArn}): KMS has material ${f.keyMaterialId}, and the copy in ${f.file} is not that`,
    (f) =>
      `no record was written; find out who imported it. If it was your team, bring that custody here in place of ${f.file} and its .pending.json; otherwise do not use ${f.version}: append another version`,
  ),
  'material-in-key': entry<{ version: string; keyArn: string; found: string }>(
    EXIT.refusedByGate,
    (f) => `the material for ${f.version} is in use already: ${f.found} (${f.keyArn})`,
    () =>
      'nothing was changed; every version needs material of its own: give another file, or put the right copy into custody',
  ),
  'custody-material-differs': entry<{ file: string; path: string }>(
    EXIT.error,
    (f) => `the material in ${f.path} is not the material in ${f.file}`,
    () => 'omit --material-file to continue with the material in custody; Keyturn never replaces it',
  ),
  'custody-read-failed': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot read ${f.file}: ${f.reason}`,
    () =>
      'nothing was imported; fix the permissions, or the path in custody.age.directory, and run the same command again',
  ),
  'custody-write-failed': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot write ${f.file}: ${f.reason}`,
    () => 'nothing was imported; free disk space or fix the permissions, then run the same command again',
  ),
  'custodian-failed': entry<{ command: string; action: string; reason: string; output: string }>(
    EXIT.error,
    (f) =>
      `custodian command ${f.command} failed to ${f.action}: ${f.reason}${f.output ? ` (its output: ${f.output})` : ''}`,
    () => 'nothing was imported; run the command by hand as docs/custodian-command.md describes',
  ),
  'hsm-unavailable': entry<{ module: string; reason: string }>(
    EXIT.error,
    (f) => `cannot use the PKCS#11 module ${f.module}: ${f.reason}`,
    () => 'correct custody.pkcs11 in the rotation file, or connect the module; see docs/key-material.md',
  ),
  'hsm-pin': entry<{ token: string; reason: string }>(
    EXIT.usage,
    (f) => `login to token ${f.token} failed: ${f.reason}`,
    () =>
      'write the user PIN to the file that custody.pkcs11.pinFile names; if the token is locked, its security officer must unlock it',
  ),
  'hsm-unsupported': entry<{ token: string; reason: string }>(
    EXIT.error,
    (f) => `token ${f.token} cannot wrap for KMS: ${f.reason}`,
    () => 'nothing was imported; see docs/key-material.md for the algorithms of each module',
  ),
  'hsm-failed': entry<{ token: string; action: string; reason: string }>(
    EXIT.error,
    (f) => `token ${f.token} failed to ${f.action}: ${f.reason}`,
    () => 'nothing was imported; check the module with its own tools, then run the same command again',
  ),
  'hsm-refuses-file': entry<{ path: string }>(
    EXIT.usage,
    (f) => `custody.pkcs11 generates the material inside the module, so ${f.path} cannot be used`,
    () => 'omit --material-file, or use custody.age for material from a file',
  ),
  'ceremony-file': entry<{ path: string; reason: string }>(
    EXIT.usage,
    (f) => `${f.path}: ${f.reason}`,
    () => 'name the unchanged file that the previous step wrote; Keyturn never overwrites an existing file',
  ),
  'ceremony-mismatch': entry<{ reason: string }>(
    EXIT.error,
    (f) => `the wrapped material does not match the request: ${f.reason}`,
    () => 'nothing was imported; wrap again with the request of this key, and compare its fingerprint by phone',
  ),
  'ceremony-stale': entry<{ keyArn: string; validTo: string }>(
    EXIT.error,
    (f) => `the wrapping request for ${f.keyArn} was valid until ${f.validTo}`,
    () => 'run `npx keyturn material prepare` for a new request, and have the same material in custody wrapped again',
  ),
  'identity-exists': entry<{ path: string }>(
    EXIT.usage,
    (f) =>
      `${f.path} exists already and is never overwritten: it may be the only identity that can decrypt a custody file`,
    () => 'choose another path, or move the existing identity to a safe place first',
  ),
  'identity-write-failed': entry<{ path: string; reason: string }>(
    EXIT.error,
    (f) => `cannot write identity file ${f.path}: ${f.reason}`,
    () => 'choose a writable path in an existing directory',
  ),
} as const;
