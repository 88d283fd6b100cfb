/**
 * Messages for a rotation in place: one key, whose versions are its materials. It retires nothing and cannot be
 * rolled back.
 */
import { mdCode } from './markdown';
import type { MessagesInput, ProposalMessages } from './proposal-messages';

export const inPlaceMessages: ProposalMessages = {
  changes: ({ proposal: { kind, version, from } }) =>
    kind === 'version'
      ? `Declares key version ${mdCode(version)}: additional material for the one key of this rotation. No stack changes.`
      : `Makes ${mdCode(version)} the active version instead of ${mdCode(from)}: the key then encrypts with its material. Alias, bucket defaults and objects do not change.`,

  whySafe: ({ proposal: { kind, from } }) =>
    kind === 'version'
      ? [
          'Nothing is encrypted with the new material before the switch.',
          'This change contains no key material; no plan or state does.',
        ]
      : [
          `Objects under ${mdCode(from)} stay readable: the key decrypts with every material it ever had.`,
          `**This cannot be rolled back**: KMS does not rotate to an earlier material. Every material, and its custody, must exist as long as any object under it, including ${mdCode(from)}.`,
        ],

  stillToCome: ({ proposal: { kind, version } }: MessagesInput) =>
    kind === 'version'
      ? [
          `On merge, ${mdCode('npx keyturn pre-apply')}: it generates material, saves it in custody, wraps it and imports it in addition to the current one.`,
          `${mdCode(`npx keyturn propose switch --name ${version}`)}: the next pull request.`,
        ]
      : [
          `On merge, ${mdCode('npx keyturn post-apply')}: it rotates the key on demand and proves that it encrypts with ${mdCode(version)}.`,
        ],
};
