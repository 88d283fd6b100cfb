/** Words for a rotation in place: one key, whose versions are its materials. It retires nothing and never goes back. */
import { mdCode } from './markdown';
import type { MessagesInput, ProposalMessages } from './proposal-messages';

export const inPlaceMessages: ProposalMessages = {
  changes: ({ proposal: { kind, version, from } }) =>
    kind === 'version'
      ? `Declares key version ${mdCode(version)}: further material for the one key of this rotation. No stack changes.`
      : `Makes ${mdCode(version)} the active version instead of ${mdCode(from)}: the key encrypts with its material from then on. Alias, bucket defaults and objects stay as they are.`,

  whySafe: ({ proposal: { kind, from } }) =>
    kind === 'version'
      ? [
          'Nothing is encrypted with the new material before it is switched to.',
          'No key material is in this change, nor in any plan or state.',
        ]
      : [
          `KMS opens what is under ${mdCode(from)} as before: the key decrypts with every material it ever had.`,
          `**There is no way back**: KMS does not rotate to an earlier material, and every material must live as long as any object under it. Custody of ${mdCode(from)} is needed for that long.`,
        ],

  stillToCome: ({ proposal: { kind, version } }: MessagesInput) =>
    kind === 'version'
      ? [
          `On merge, ${mdCode('npx keyturn pre-apply')}: material is generated, put in custody, wrapped and imported beside the current one.`,
          `${mdCode(`npx keyturn propose switch --name ${version}`)}: the next pull request.`,
        ]
      : [
          `On merge, ${mdCode('npx keyturn post-apply')}: the key is rotated on demand and proved to encrypt with ${mdCode(version)}.`,
        ],
};
