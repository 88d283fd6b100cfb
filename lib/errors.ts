/**
 * Every way Keyturn can fail, in one reviewable place: a closed set of codes, each with what happened, the next thing
 * to do, and the exit code of the process. Texts are lower case and without a final period; facts are shown in them.
 */

/** Exit codes of every command. The numbers are a contract with pipelines. */
export const EXIT = {
  done: 0,
  error: 1,
  changesPending: 2,
  partlyDone: 3,
  refusedByGate: 4,
  usage: 64,
  permission: 77,
  rotationFile: 78,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One fault of a file that a person wrote: where, what stands there, what may stand there, what to do. */
export interface FileFault {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The field, such as `keyVersions[1].name`; empty where the fault belongs to no field. */
  readonly path: string;
  readonly given: string;
  readonly allowed: string;
  readonly change: string;
}

interface Entry<F> {
  readonly exitCode: ExitCode;
  readonly message: (facts: F) => string;
  readonly hint: (facts: F) => string;
}

const entry = <F>(exitCode: ExitCode, message: (facts: F) => string, hint: (facts: F) => string): Entry<F> => ({
  exitCode,
  message,
  hint,
});

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

const FAULTS_PRINTED = 50;

/** `rotation.yaml:12:3 keyVersions[1].name: given …, allowed …; do …`, a line a fault. */
function faultLines(file: string, faults: readonly FileFault[]): string {
  const lines = faults
    .slice(0, FAULTS_PRINTED)
    .map(
      (fault) =>
        `${file}:${fault.line}:${fault.column}${fault.path ? ` ${fault.path}` : ''}: given ${fault.given}, allowed ${fault.allowed}; ${fault.change}`,
    );
  const more = faults.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

const CATALOGUE = {
  usage: entry<{ problem: string; hint: string }>(
    EXIT.usage,
    (f) => f.problem,
    (f) => f.hint,
  ),
  interrupted: entry<{ during: string }>(
    EXIT.interrupted,
    (f) => `interrupted during ${f.during}`,
    () => 'run the same command again: it continues from what AWS and Terraform hold',
  ),

  // The rotation file
  'rotation-file-missing': entry<{ file: string }>(
    EXIT.rotationFile,
    (f) => `there is no rotation file ${f.file}`,
    (f) =>
      `copy the sample rotation.yaml of this project to ${f.file} and edit it, or name another file with --rotation-file; docs/rotation-file.md lists every field`,
  ),
  'rotation-file-unreadable': entry<{ file: string; reason: string }>(
    EXIT.rotationFile,
    (f) => `the rotation file ${f.file} cannot be read: ${f.reason}`,
    (f) => `make ${f.file} a readable UTF-8 text file`,
  ),
  'rotation-file-invalid': entry<{ file: string; faults: readonly FileFault[] }>(
    EXIT.rotationFile,
    (f) =>
      `${f.file} has ${f.faults.length === 1 ? 'a fault' : `${f.faults.length} faults`}\n${faultLines(f.file, f.faults)}`,
    (f) => `correct ${f.file} as said above and run the same command again; docs/rotation-file.md lists every field`,
  ),
  'rotation-edit-refused': entry<{ problem: string; hint: string }>(
    EXIT.rotationFile,
    (f) => `the rotation file is left as it is: ${f.problem}`,
    (f) => f.hint,
  ),
  'proposal-refused': entry<{ problem: string; hint: string }>(
    EXIT.refusedByGate,
    (f) => `nothing is proposed: ${f.problem}`,
    (f) => f.hint,
  ),
  'output-unwritable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot write ${f.file}: ${f.reason}`,
    () => 'choose a path in an existing folder that you may write to, and run the same command again',
  ),

  // Evidence
  'evidence-unwritable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `evidence cannot be written to ${f.file}: ${f.reason}`,
    () =>
      'nothing was done that the evidence does not name; make the directory writable and run the same command again',
  ),
  'evidence-missing': entry<{ path: string; reason: string }>(
    EXIT.error,
    (f) => `there is no evidence at ${f.path}: ${f.reason}`,
    () => 'name an evidence file (*.ndjson), or a directory that holds some',
  ),

  // AWS, whatever the service
  'aws-access-denied': entry<{ action: string; resource: string; awsMessage: string; requestId: string | undefined }>(
    EXIT.permission,
    (f) => `access denied: ${f.action} on ${f.resource} (${f.awsMessage})`,
    (f) =>
      `allow ${f.action} on ${f.resource} for this identity, in IAM and in the key or bucket policy, then run the same command again`,
  ),
  'aws-credentials-missing': entry<{ action: string; reason: string }>(
    EXIT.permission,
    (f) => `no AWS credentials for ${f.action}: ${f.reason}`,
    () => 'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then run the same command again',
  ),
  'aws-credentials-expired': entry<{ action: string; reason: string }>(
    EXIT.permission,
    (f) => `the AWS credentials have expired (${f.action}: ${f.reason})`,
    () => 'renew them (for SSO: aws sso login), then run the same command again: it continues from what AWS holds',
  ),
  'aws-credentials-rejected': entry<{ action: string; awsCode: string; awsMessage: string }>(
    EXIT.permission,
    (f) => `AWS does not accept the credentials (${f.action}: ${f.awsCode}: ${f.awsMessage})`,
    () =>
      'check AWS_PROFILE or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and that the endpoint is the one they belong to',
  ),
  'aws-endpoint-unreachable': entry<{ action: string; url: string; reason: string }>(
    EXIT.error,
    (f) => `cannot reach ${f.url} for ${f.action}: ${f.reason}`,
    () => 'check the network, AWS_ENDPOINT_URL and the region, then run the same command again',
  ),
  'aws-wrong-region': entry<{
    action: string;
    given: string | undefined;
    expected: string | undefined;
    awsMessage: string;
  }>(
    EXIT.rotationFile,
    (f) => {
      const given = f.given ? `region ${f.given}` : 'the region of the rotation file';
      const expected = f.expected ? `the endpoint expects ${f.expected}` : 'which the endpoint does not serve';
      return `${f.action} was sent to ${given}, ${expected} (${f.awsMessage})`;
    },
    (f) => `set region: ${f.expected ?? 'the region of the keys and buckets'} in the rotation file`,
  ),
  'aws-clock-skew': entry<{ action: string; awsMessage: string }>(
    EXIT.error,
    (f) => `AWS refuses the time of this machine (${f.action}: ${f.awsMessage})`,
    () => 'set the clock of this machine (NTP), then run the same command again',
  ),
  'aws-throttled': entry<{ action: string; resource: string; awsCode: string; awsMessage: string }>(
    EXIT.error,
    (f) => `AWS still throttles ${f.action} on ${f.resource} after retries (${f.awsCode}: ${f.awsMessage})`,
    () => 'wait a minute and run the same command again: it continues from what AWS holds',
  ),
  'aws-failed': entry<{
    action: string;
    resource: string;
    awsCode: string;
    awsMessage: string;
    requestId: string | undefined;
  }>(
    EXIT.error,
    (f) =>
      `${f.action} on ${f.resource} failed: ${f.awsCode}: ${f.awsMessage}${f.requestId ? ` (request ${f.requestId})` : ''}`,
    () => 'nothing else was changed; fix what AWS says and run the same command again',
  ),
  'account-mismatch': entry<{ declared: string; given: string; identity: string; file: string }>(
    EXIT.rotationFile,
    (f) => `the credentials belong to account ${f.given} (${f.identity}), ${f.file} declares account ${f.declared}`,
    (f) => `use credentials of account ${f.declared}, or correct account: in ${f.file}`,
  ),
  'region-mismatch': entry<{ declared: string; given: string; file: string }>(
    EXIT.rotationFile,
    (f) => `the AWS clients are set to region ${f.given}, ${f.file} declares ${f.declared}`,
    (f) => `use region ${f.declared}, or correct region: in ${f.file}`,
  ),

  // Objects
  'target-key-unusable': entry<{ keyArn: string; awsCode: string; awsMessage: string }>(
    EXIT.error,
    (f) => `objects cannot be moved under ${f.keyArn}: ${f.awsCode}: ${f.awsMessage}`,
    () =>
      'see `npx keyturn status` for the state of the active key; it must be Enabled, and its policy must allow S3 to use it',
  ),
  'rewrap-unsupported': entry<{ bucket: string; operation: string; answer: string }>(
    EXIT.error,
    (f) => `the endpoint does not know ${f.operation}, which rewrap needs, for ${f.bucket} (${f.answer})`,
    () => 'choose the other method with `reencrypt: { method: rewrite }` in the rotation file; nothing was changed',
  ),
  'rewrite-unsupported': entry<{ bucket: string; operation: string; answer: string }>(
    EXIT.error,
    (f) => `${f.bucket} does not take a conditional ${f.operation}, and rewrite makes no other (${f.answer})`,
    () => 'choose `reencrypt: { method: rewrap }`, or relax the bucket policy that enforces conditional writes',
  ),
  're-encryption-stopped': entry<{ bucket: string; detail: string }>(
    EXIT.partlyDone,
    (f) => `the re-encryption of ${f.bucket} did not end: ${f.detail}`,
    () => 'put right what it says and run the same command again: it goes on from where it stopped',
  ),
  'verification-stopped': entry<{ bucket: string; detail: string }>(
    EXIT.partlyDone,
    (f) => `the verification of ${f.bucket} did not end: ${f.detail}`,
    () => 'run the same command again; nothing is retired on half a verification',
  ),

  // KMS
  'kms-key-missing': entry<{ key: string }>(
    EXIT.error,
    (f) => `KMS knows no key ${f.key}`,
    () => 'apply the keys stack first, and check account and region',
  ),
  'kms-wait-timeout': entry<{ keyArn: string; awaited: string; state: string; seconds: number }>(
    EXIT.error,
    (f) => `${f.keyArn} is not ${f.awaited} after ${f.seconds} s (key state ${f.state})`,
    () => 'KMS is eventually consistent, it may take minutes: run the same command again',
  ),
  'kms-wrapping-unsupported': entry<{ algorithm: string; reason: string }>(
    EXIT.usage,
    (f) => `wrapping algorithm ${f.algorithm} cannot be used: ${f.reason}`,
    () => 'use RSAES_OAEP_SHA_256 with RSA_4096, the default',
  ),
  'kms-import-refused': entry<{ keyArn: string; awsCode: string; awsMessage: string; reason: string; next: string }>(
    EXIT.error,
    (f) => `KMS refused the key material for ${f.keyArn}: ${f.reason} (${f.awsCode}: ${f.awsMessage})`,
    (f) => f.next,
  ),
  'kms-import-expiry': entry<{ keyArn: string; validTo: string; reason: string }>(
    EXIT.rotationFile,
    (f) => `key material for ${f.keyArn} cannot be imported with expiry ${f.validTo}: ${f.reason}`,
    () => 'set materialValidTo to a date in the next 365 days, or leave it out for material that does not expire',
  ),
  'kms-proof-failed': entry<{ keyArn: string; reason: string }>(
    EXIT.error,
    (f) => `the imported key material of ${f.keyArn} did not prove itself: ${f.reason}`,
    () =>
      'do not switch to this key version; run pre-apply again, and if it fails again keep custody and the output for support',
  ),
  'kms-disable-denied': entry<{ keyArn: string; awsMessage: string }>(
    EXIT.permission,
    (f) => `access denied: kms:DisableKey on ${f.keyArn} (${f.awsMessage})`,
    () =>
      'allow kms:DisableKey; where a policy denies it by kms:TrailingDaysWithoutKeyUsage, wait that many days after the last use of the key (the re-encryption was a use) and run post-apply again',
  ),

  // Key material and custody
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
  declined: entry<{ question: string }>(
    EXIT.error,
    (f) => `declined: ${f.question}`,
    () => 'nothing was changed by this step; run the same command again when it should be',
  ),
  'confirmation-needed': entry<{ question: string }>(
    EXIT.usage,
    (f) => `cannot ask "${f.question}" without a terminal`,
    () => 'say yes beforehand with --yes, or look first with --dry-run',
  ),
  'run-locked': entry<{ lock: string; pid: number; since: string }>(
    EXIT.error,
    (f) => `another run of Keyturn works on this rotation: process ${f.pid}, since ${f.since}`,
    (f) => `wait for it to end; if that process is gone, remove ${f.lock}`,
  ),
  'bucket-missing': entry<{ bucket: string; account: string; region: string }>(
    EXIT.error,
    (f) => `bucket ${f.bucket} does not exist in account ${f.account}, ${f.region}`,
    () => 'correct its name in the rotation file, or create it first: only `manage: bucket` creates a bucket',
  ),
  'bucket-of-another-account': entry<{ bucket: string; account: string }>(
    EXIT.permission,
    (f) =>
      `bucket ${f.bucket} may not be used as account ${f.account}: it belongs to another account, or s3:ListBucket is denied`,
    () => 'take it out of the rotation file, or use the credentials of the account that owns it',
  ),
  'bucket-in-another-region': entry<{ bucket: string }>(
    EXIT.rotationFile,
    (f) => `bucket ${f.bucket} stands in another Region than the rotation file names`,
    () => 'a KMS key serves buckets of its own Region only: give each Region its own rotation file',
  ),
  'step-not-verified': entry<{ step: string; found: string }>(
    EXIT.error,
    (f) => `the step "${f.step}" did not leave what it must: ${f.found}`,
    () => 'run `npx keyturn status` to see what AWS holds; changes take seconds, at times minutes, to show everywhere',
  ),
  'not-switched': entry<{ version: string; found: string }>(
    EXIT.refusedByGate,
    (f) => `objects are not moved before the switch to ${f.version} is done: ${f.found}`,
    (f) =>
      `apply the storage stack first (\`npx cdktf deploy\` or \`npx keyturn rotate\`); ${f.version} must be Enabled before that`,
  ),
  'keys-not-declared': entry<{ found: string; keysStack: string }>(
    EXIT.refusedByGate,
    (f) => `there is nothing to import material into: ${f.found}`,
    (f) => `apply the keys stack first: \`npx cdktf deploy ${f.keysStack}\``,
  ),
  'no-version-to-go-back-to': entry<{ active: string; named: string | null; declared: string }>(
    EXIT.usage,
    (f) =>
      f.named === null ? `no version is declared before ${f.active}` : `cannot go back to ${f.named} from ${f.active}`,
    (f) => `declared are ${f.declared}; name another one with --to`,
  ),
  'material-not-ready': entry<{ version: string; found: string }>(
    EXIT.refusedByGate,
    (f) => `${f.version} cannot be rotated into use yet: ${f.found}`,
    () =>
      'apply the keys stack, then run `npx keyturn pre-apply`; with several versions to go, make each active in its turn',
  ),
  'rotation-only-forward': entry<{ version: string; current: string }>(
    EXIT.refusedByGate,
    (f) => `the key has gone past ${f.version}: it encrypts with ${f.current}, and KMS rotates in one direction only`,
    (f) =>
      `make ${f.current} active again, or append a version; objects of ${f.version} stay readable, its material is still in the key`,
  ),
  'rotation-budget-spent': entry<{ keyArn: string }>(
    EXIT.refusedByGate,
    (f) => `${f.keyArn} has used up the rotations that KMS allows one key`,
    () => 'begin a rotation with strategy: new-key and move the objects to its key; docs/strategies.md says how',
  ),
  'rollback-in-place': entry<{ active: string }>(
    EXIT.refusedByGate,
    (f) =>
      `a rotation in place cannot be rolled back: KMS makes no earlier material current again, so ${f.active} stays`,
    () =>
      'nothing is unreadable: every material of the key still decrypts; to leave a material behind, append a version and rotate to it',
  ),
  'rollback-impossible': entry<{ version: string; state: string }>(
    EXIT.refusedByGate,
    (f) => `cannot go back to ${f.version}: its key is ${f.state}`,
    (f) =>
      f.state === 'PendingImport'
        ? `import the same material from custody first: \`npx keyturn pre-apply --identity <file>\``
        : 'only a key that is Enabled or Disabled can be made active again',
  ),
  'gate-refused': entry<{ version: string; reasons: readonly { readonly code: string; readonly text: string }[] }>(
    EXIT.refusedByGate,
    (f) => [`the retire gate keeps ${f.version} on:`, ...f.reasons.map((reason) => `  - ${reason.text}`)].join('\n'),
    () =>
      'move or remove what is named and run `npx keyturn post-apply` again; until then the old key stays enabled and nothing is lost',
  ),

  // Terraform
  'terraform-missing': entry<{ tried: readonly string[] }>(
    EXIT.error,
    (f) => `no Terraform found: ${f.tried.join(' and ')} cannot be started, or do not answer as Terraform does`,
    () => 'install Terraform 1.5 or later (or OpenTofu) and put it on PATH, or name it with TERRAFORM_BINARY_NAME',
  ),
  'terraform-too-old': entry<{ file: string; version: string; oldest: string }>(
    EXIT.error,
    (f) => `${f.file} is version ${f.version}, the stacks need ${f.oldest} or later`,
    (f) => `update it to ${f.oldest} or later, or name another one with TERRAFORM_BINARY_NAME`,
  ),
  'terraform-provider-missing': entry<{ versions: string; searched: readonly string[]; said: string }>(
    EXIT.error,
    (f) =>
      `Terraform cannot get the AWS provider ${f.versions}: ${f.said}${f.searched.length === 0 ? '' : ` (and no mirror holds it: ${f.searched.join(', ')})`}`,
    () =>
      'give access to the registry, or put a mirror on this machine (terraform providers mirror <directory>) and set TF_PLUGIN_MIRROR to it',
  ),
  'synthesis-failed': entry<{ exit: number | null; said: string }>(
    EXIT.error,
    (f) => `the stacks could not be synthesized (exit ${f.exit ?? 'by a signal'}): ${f.said}`,
    () => 'nothing was changed; `npx cdktf synth` shows the same fault',
  ),
  'synthesis-refused': entry<{ said: string; next: string }>(
    EXIT.rotationFile,
    (f) => f.said,
    (f) => f.next,
  ),
  'terraform-guard': entry<{ stack: string; refusals: readonly string[]; next: string }>(
    EXIT.refusedByGate,
    (f) => `the plan of ${f.stack} is refused: ${f.refusals.join('; ')}`,
    (f) => f.next,
  ),
  'terraform-failed': entry<{ command: string; stack: string; exit: number | null; said: string }>(
    EXIT.error,
    (f) => `terraform ${f.command} of ${f.stack} failed (exit ${f.exit ?? 'by a signal'}): ${f.said}`,
    () => 'fix what Terraform says and run the same command again: it continues from what AWS and Terraform hold',
  ),
  'terraform-state-locked': entry<{ stack: string; who: string; since: string; operation: string; id: string }>(
    EXIT.error,
    (f) => `the state of ${f.stack} is locked by ${f.who} since ${f.since} (${f.operation}, lock ${f.id})`,
    (f) =>
      `wait for it to end and run the same command again; only if it is surely gone, run terraform force-unlock ${f.id} in the stack's directory`,
  ),
  'terraform-destroys': entry<{ stack: string; addresses: readonly string[]; next: string }>(
    EXIT.refusedByGate,
    (f) => `the plan of ${f.stack} would destroy ${f.addresses.join(', ')}, and Keyturn applies no such plan`,
    (f) => f.next,
  ),
  'terraform-backend-changed': entry<{ stack: string; directory: string }>(
    EXIT.error,
    (f) => `the rotation file names another backend for ${f.stack} than the one its state was last kept in`,
    (f) => `move the state with terraform init -migrate-state in ${f.directory}, then run the same command again`,
  ),
  'terraform-plan-stale': entry<{ stack: string }>(
    EXIT.error,
    (f) => `the plan of ${f.stack} is stale: its state has changed since`,
    () => 'run the same command again: it plans anew, and the new plan must be reviewed anew',
  ),
  'terraform-plan-unreadable': entry<{ reason: string }>(
    EXIT.error,
    (f) => `cannot read the plan as Terraform shows it: ${f.reason}`,
    () => 'use a Terraform whose JSON plans have format 1.x (every 1.x release), and report it if it has',
  ),

  // Plan review, and plans that are kept to be reviewed
  'review-plan-unreadable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `${f.file} cannot be reviewed: ${f.reason}`,
    () => 'give a plan file, or what `terraform show -json <plan file>` prints, whole',
  ),
  'review-plan-newer': entry<{ file: string; version: string }>(
    EXIT.error,
    (f) => `${f.file} has plan format ${f.version}; this review knows 1.x`,
    () => 'use a Terraform whose JSON plans have format 1.x, or a newer Keyturn',
  ),
  'review-plan-other-rotation': entry<{ file: string; rotation: string; found: string }>(
    EXIT.usage,
    (f) => `${f.file} is no plan of rotation ${f.rotation}: ${f.found}`,
    () => 'name the rotation file that it belongs to with --rotation-file, or leave the plan out',
  ),
  'reviewed-plan-directory': entry<{ directory: string; foreign: readonly string[] }>(
    EXIT.usage,
    (f) => `${f.directory} holds files that no plan left there: ${f.foreign.slice(0, 5).join(', ')}`,
    () => 'name an empty or a new directory with --out; nothing was removed',
  ),
  'reviewed-plan-unreadable': entry<{ directory: string; reason: string }>(
    EXIT.usage,
    (f) => `${f.directory} holds no reviewed plan: ${f.reason}`,
    () => 'name the directory that `npx keyturn plan --out` wrote',
  ),
  'reviewed-plan-moved': entry<{ directory: string; moved: readonly string[] }>(
    EXIT.refusedByGate,
    (f) => ['what was reviewed is not what would be applied:', ...f.moved.map((one) => `  - ${one}`)].join('\n'),
    () => 'nothing was changed; plan again with `npx keyturn plan` and have the new plan reviewed',
  ),
  'reviewed-plan-refused': entry<{ directory: string; findings: readonly string[] }>(
    EXIT.refusedByGate,
    (f) => `the review refuses the plans: ${f.findings.join(', ')}`,
    () => 'nothing was changed; `npx keyturn review-plan` on the JSON plans says why and what to do',
  ),
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

/** The facts that a code must come with. */
export type FactsOf<C extends ErrorCode> = Parameters<(typeof CATALOGUE)[C]['message']>[0];

/** The only error type that Keyturn throws on purpose; anything else that surfaces is a bug and says so. */
export class KeyturnError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly facts: FactsOf<C>;
  readonly hint: string;
  readonly exitCode: ExitCode;

  constructor(code: C, facts: FactsOf<C>, cause?: unknown) {
    const found = CATALOGUE[code] as unknown as Entry<FactsOf<C>>;
    super(found.message(facts), cause === undefined ? undefined : { cause });
    this.name = 'KeyturnError';
    this.code = code;
    this.facts = facts;
    this.hint = found.hint(facts);
    this.exitCode = found.exitCode;
  }
}

/** True for a {@link KeyturnError} of the given code. */
export function isCode<C extends ErrorCode>(error: unknown, code: C): error is KeyturnError<C> {
  return error instanceof KeyturnError && error.code === code;
}

/** Throws `interrupted` when the signal has fired; called between requests and before anything that cannot be undone. */
export function throwIfInterrupted(signal: AbortSignal | undefined, during: string): void {
  if (signal?.aborted) throw new KeyturnError('interrupted', { during });
}
