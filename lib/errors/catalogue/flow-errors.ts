import { entry } from '../entry';
import { EXIT } from '../exit-codes';

type Reasons = readonly { readonly code: string; readonly text: string }[];

const listed = (what: string, reasons: Reasons): string =>
  [what, ...reasons.map(({ text }) => `  - ${text}`)].join('\n');

/** Refusals of the flow: steps out of order, and the retire gate. */
export const flowErrors = {
  'step-not-verified': entry<{ step: string; found: string }>(
    EXIT.error,
    (f) => `the step "${f.step}" ran, but its result cannot be verified: ${f.found}`,
    () =>
      'run `npx keyturn status` to see the state in AWS; changes take seconds, sometimes minutes, to become visible everywhere',
  ),
  'not-switched': entry<{ version: string; found: string; deploy: string }>(
    EXIT.refusedByGate,
    (f) => `Keyturn does not move objects before the switch to ${f.version}: ${f.found}`,
    (f) =>
      `make sure that ${f.version} is Enabled (\`npx keyturn status\`), then apply the storage stack: \`${f.deploy}\``,
  ),
  'access-lost': entry<{
    from: string;
    to: string;
    uses: readonly { readonly who: string; readonly text: string; readonly fix: string }[];
  }>(
    EXIT.refusedByGate,
    (f) =>
      [
        `somebody who used the key of ${f.from} cannot use that of ${f.to}:`,
        ...f.uses.map(({ who, text }) => `  - ${who} ${text}`),
      ].join('\n'),
    (f) =>
      [
        ...new Set(f.uses.map(({ fix }) => fix)),
        'or set it aside under `access.waivers` in the rotation file; see `npx keyturn access`',
      ].join('; '),
  ),
  'trail-unread': entry<{ version: string; reason: string }>(
    EXIT.error,
    (f) => `nobody can say who still needs the key of ${f.version}: ${f.reason}`,
    () =>
      'allow cloudtrail:LookupEvents (`npx keyturn policy post-apply`), or look for DisabledException in your own trail',
  ),
  'own-stacks': entry<{ command: string; file: string; keys: string; storage: string; instead: string }>(
    EXIT.usage,
    (f) =>
      `\`${f.command}\` is for Keyturn's two stacks, and ${f.file} says that stacks of your own declare the rotation: ${f.keys} and ${f.storage}`,
    (f) => f.instead,
  ),
  'keys-not-declared': entry<{ found: string; keysStack: string }>(
    EXIT.refusedByGate,
    (f) => `no key exists to import material into: ${f.found}`,
    (f) => `apply the keys stack first: \`npx cdktf deploy ${f.keysStack}\``,
  ),
  'resource-exists': entry<{
    stack: string;
    found: readonly { readonly address: string; readonly text: string; readonly next: string }[];
    keysStack: string | undefined;
  }>(
    EXIT.refusedByGate,
    (f) =>
      [
        `the ${f.stack} stack would create what exists already, and nothing was applied:`,
        ...f.found.map((one) => `  - ${one.address}: ${one.text}`),
      ].join('\n'),
    (f) => {
      const first =
        f.keysStack === undefined
          ? ''
          : `Terraform reads the key of the active version before it imports: first \`npx cdktf deploy ${f.keysStack}\` and \`npx keyturn pre-apply\`; then `;
      return first + f.found.map((one) => one.next).join('; ');
    },
  ),
  'no-version-to-go-back-to': entry<{ active: string; named: string | null; declared: string }>(
    EXIT.usage,
    (f) =>
      f.named === null
        ? `no version is declared before ${f.active}`
        : `cannot roll back from ${f.active} to ${f.named}`,
    (f) => `name another version with --to; declared versions: ${f.declared}`,
  ),
  'material-not-ready': entry<{ version: string; found: string }>(
    EXIT.refusedByGate,
    (f) => `the key cannot be rotated to ${f.version} yet: ${f.found}`,
    () =>
      'apply the keys stack, then run `npx keyturn pre-apply`; with several pending versions, activate one after the other',
  ),
  'custody-not-proven': entry<{ version: string; keyArn: string; found: string }>(
    EXIT.refusedByGate,
    (f) => `${f.version} (${f.keyArn}) is not used while its custody is not proven: ${f.found}`,
    (f) =>
      `run it where the custody directory and .keyturn/evidence of the import are, or prove the copy with \`npx keyturn drill --version ${f.version} --identity <age identity file>\`; if the material is in a file, \`npx keyturn material adopt --version ${f.version} --material-file <file>\`; if somebody else imported it, append another version; a team that accepts the loss writes keyVersions[].custodyWaiver with the reason`,
  ),
  'rotation-only-forward': entry<{ version: string; current: string }>(
    EXIT.refusedByGate,
    (f) => `the key was already rotated past ${f.version}: it encrypts with ${f.current}, and KMS rotates forward only`,
    (f) =>
      `make ${f.current} active again, or append a version; objects under ${f.version} stay readable because the key still holds its material`,
  ),
  'rotation-budget-spent': entry<{ keyArn: string }>(
    EXIT.refusedByGate,
    (f) => `${f.keyArn} has reached the number of on-demand rotations that KMS allows per key`,
    () => 'start a rotation with strategy: new-key and move the objects to its key; see docs/strategies.md',
  ),
  'related-keys-in-place': entry<{ keyArn: string; related: readonly string[] }>(
    EXIT.refusedByGate,
    (f) =>
      `${f.keyArn} is a multi-Region key, and KMS rotates it only once the new material is in ${f.related.join(', ')}, too: Keyturn works in one Region`,
    () =>
      'start a rotation with strategy: new-key and move the objects to its key; or import and rotate by hand in every Region, as docs/strategies.md says',
  ),
  'rollback-in-place': entry<{ active: string }>(
    EXIT.refusedByGate,
    (f) =>
      `a rotation in place cannot be rolled back: KMS cannot make earlier material current again, so ${f.active} stays active`,
    () =>
      'all objects stay readable: every material of the key still decrypts; to stop encrypting with a material, append a version and rotate to it',
  ),
  'rollback-impossible': entry<{ version: string; state: string; remedy?: string | undefined }>(
    EXIT.refusedByGate,
    (f) => `cannot roll back to ${f.version}: its key is ${f.state}`,
    (f) =>
      f.state === 'PendingImport'
        ? `import the same material from custody first: \`${f.remedy}\`, then run \`npx keyturn rollback --to ${f.version}\` again`
        : f.state === 'PendingDeletion' || f.state === 'PendingReplicaDeletion'
          ? `cancel the deletion first: \`${f.remedy}\``
          : 'choose a version whose key is Enabled or Disabled',
  ),
  'versions-not-empty': entry<{
    versions: readonly {
      readonly version: string;
      readonly state: string;
      readonly reasons: readonly { readonly code: string; readonly text: string }[];
      readonly fix: string;
    }[];
  }>(
    EXIT.refusedByGate,
    (f) =>
      f.versions
        .flatMap((one) => [
          `${one.version} (${one.state}) is not proven empty:`,
          ...one.reasons.map((reason) => `  - ${reason.text}`),
        ])
        .join('\n'),
    (f) => `${[...new Set(f.versions.map((one) => one.fix))].join(' · ')}; then run \`npx keyturn post-apply\` again`,
  ),
  'gate-refused': entry<{ version: string; reasons: Reasons }>(
    EXIT.refusedByGate,
    (f) => listed(`the retire gate refuses to disable ${f.version}:`, f.reasons),
    () =>
      'resolve each item and run `npx keyturn post-apply` again; until then the old key stays enabled and nothing is lost',
  ),
  'retire-taken-back': entry<{ version: string; keyArn: string; reasons: Reasons }>(
    EXIT.partlyDone,
    (f) => listed(`${f.version} (${f.keyArn}) was disabled, and is Enabled again:`, f.reasons),
    () => 'find who still writes under the old key, or what failed, and run `npx keyturn post-apply` again',
  ),
  'retire-unproven': entry<{ version: string; keyArn: string; reasons: Reasons; failure: string }>(
    EXIT.partlyDone,
    (f) =>
      listed(
        `${f.version} (${f.keyArn}) may be Disabled, nothing shows that it is not needed, and it cannot be enabled again (${f.failure}):`,
        f.reasons,
      ),
    (f) =>
      `run \`npx keyturn post-apply\` again as soon as AWS answers: it looks again; to bring the key back now: \`aws kms enable-key --key-id ${f.keyArn}\``,
  ),
  'disable-too-early': entry<{ version: string; days: number; lastUsed: string; from: string; awsMessage: string }>(
    EXIT.refusedByGate,
    (f) =>
      `KMS refuses to disable ${f.version}: it was last used at ${f.lastUsed}, and its key policy asks for ${f.days} days without use (${f.awsMessage})`,
    (f) => `run \`npx keyturn post-apply\` again from ${f.from} on; KMS counts the re-encryption itself as a use`,
  ),
  'disabled-not-empty': entry<{ version: string; keyArn: string; reasons: Reasons }>(
    EXIT.refusedByGate,
    (f) =>
      listed(
        `${f.version} (${f.keyArn}) is Disabled, no evidence here shows that Keyturn disabled it, and it is needed:`,
        f.reasons,
      ),
    (f) =>
      `find out who disabled it; to move what is left: \`aws kms enable-key --key-id ${f.keyArn}\`, then \`npx keyturn post-apply\``,
  ),
} as const;
