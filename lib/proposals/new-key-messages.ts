/** Words for a rotation to a new key: each version is a key of its own, and objects move to it. */
import { stackNames } from '../rotation/rotation';
import { mdCode } from './markdown';
import type { Proposal } from './proposal';
import type { MessagesInput, ProposalMessages } from './proposal-messages';

function changes({ rotation, proposal: { kind, version, from, materialValidTo } }: MessagesInput): string {
  const { keys, storage } = stackNames(rotation);
  const buckets = rotation.buckets.map((one) => mdCode(one.name)).join(', ');
  return {
    version: `Declares key version ${mdCode(version)}: the stack ${mdCode(keys)} creates one empty external-origin key and its alias ${mdCode(`${rotation.alias}/${version}`)}. ${
      materialValidTo
        ? `Its material expires at ${mdCode(materialValidTo.toISOString().replace('.000Z', 'Z'))} and must be replaced before.`
        : 'Its material does not expire.'
    }`,
    switch: `Makes ${mdCode(version)} the active version instead of ${mdCode(from)}: the stack ${mdCode(storage)} moves the alias and the default encryption of ${buckets}. Existing objects are then re-encrypted by post-apply.`,
    retire: `Records in the file that ${mdCode(version)} is off, so that the stack ${mdCode(keys)} declares it disabled too.`,
    rollback: `Goes back from ${mdCode(from)} to ${mdCode(version)}: the alias and the default encryption of ${buckets} move back to it.`,
  }[kind];
}

function whySafe({ rotation, proposal, observed }: MessagesInput): readonly string[] {
  const { kind, version, from } = proposal;
  const said: Record<Proposal['kind'], string[]> = {
    version: [
      'Nothing points at the new key: the alias, the bucket defaults and every object stay as they are.',
      'No key material is in this change, nor in any plan or state; synthesis fails if it were.',
      'The plan to expect creates the key and its alias, and alarms before it expires where the file asks for them; it changes nothing and destroys nothing.',
    ],
    switch: [
      `The plan itself refuses to point anything at a key that is not ${mdCode('Enabled')} with origin ${mdCode('EXTERNAL')}.`,
      `${mdCode(from)} stays enabled: every existing object can be read all along.`,
      `${mdCode(from)} is disabled only behind the retire gate, which looks at every object version afresh and stays closed while one is left under it or unknown. It is never deleted.`,
      `The way back is one more pull request: ${mdCode('npx keyturn propose rollback')}.`,
    ],
    retire: [
      observed?.key?.state === 'Disabled'
        ? `AWS holds ${mdCode(version)} as ${mdCode('Disabled')} already: the file says what is so.`
        : `Evidence shows that the retire gate opened for ${mdCode(version)} and that its key was disabled.`,
      'A disabled key is kept, never deleted; enabling it again makes everything under it readable at once.',
    ],
    rollback: [
      `The plan itself refuses to point anything at ${mdCode(version)} before its key is ${mdCode('Enabled')}.`,
      `${mdCode(from)} stays enabled: objects that were moved to it stay readable.`,
    ],
  };
  const { verifyOnlyBuckets } = rotation.retire;
  const others =
    kind === 'switch' && verifyOnlyBuckets.length > 0
      ? [`The gate also looks into ${verifyOnlyBuckets.map(mdCode).join(', ')}, which this rotation does not manage.`]
      : [];
  return [...notYet(proposal, observed), ...said[kind], ...others];
}

/** Whatever is to be pointed at must be on first: merged before, the plan is refused and nothing moves. */
function notYet({ kind, version }: Proposal, observed: MessagesInput['observed']): readonly string[] {
  if ((kind !== 'switch' && kind !== 'rollback') || !observed || observed.key?.state === 'Enabled') return [];
  const found = `**Not yet to be merged**: the key of ${mdCode(version)} is ${mdCode(observed.key?.state ?? 'not there yet')}, and until it is on the plan is refused.`;
  const next =
    observed.key?.state === 'Disabled'
      ? `Turn it on with ${mdCode(`aws kms enable-key --key-id ${observed.key.arn}`)}, or let ${mdCode('npx keyturn rollback')} do all of it at once.`
      : `Its material is still to be imported: ${mdCode('npx keyturn pre-apply')}.`;
  return [`${found} ${next}`];
}

function stillToCome({ rotation, proposal: { kind, version, from } }: MessagesInput): readonly string[] {
  const { keys, storage } = stackNames(rotation);
  const preApply = `${mdCode('npx keyturn pre-apply')}: material is generated, put in custody, wrapped and imported; ${mdCode(version)} becomes ${mdCode('Enabled')}.`;
  const postApply = (old: string) =>
    `${mdCode('npx keyturn post-apply')}: objects are re-encrypted (${mdCode(rotation.reencrypt.method)}) and verified, then ${mdCode(old)} is disabled behind the gate.`;
  const record = (old: string) =>
    `${mdCode(`npx keyturn propose retire --name ${old}`)}: a pull request that records it.`;
  const steps: Record<Proposal['kind'], string[]> = {
    version: [
      `On merge: the reviewed plan of ${mdCode(keys)} is applied.`,
      preApply,
      `${mdCode(`npx keyturn propose switch --name ${version}`)}: the next pull request.`,
    ],
    switch: [`On merge: the reviewed plan of ${mdCode(storage)} is applied.`, postApply(from), record(from)],
    retire: [`On merge: the plan of ${mdCode(keys)} is applied; it should have nothing to change.`],
    rollback: [
      `On merge: the reviewed plan of ${mdCode(storage)} is applied.`,
      `${mdCode('npx keyturn post-apply')}: the objects are moved back under ${mdCode(version)}. ${mdCode(from)} is then no superseded version: it stays enabled.`,
    ],
  };
  return steps[kind];
}

export const newKeyMessages: ProposalMessages = { changes, whySafe, stillToCome };
