import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Refusals of the flow: steps that are not due, and the retire gate. */
export const flowErrors = {
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
} as const;
