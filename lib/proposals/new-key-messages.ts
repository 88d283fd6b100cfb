/** Messages for a rotation to a new key: each version is a key of its own, and objects move to it. */
import { declaredStacks } from '../rotation/declared-stacks';
import { mdCode } from './markdown';
import type { Proposal } from './proposal';
import type { MessagesInput, ProposalMessages } from './proposal-messages';

function changes({ rotation, proposal: { kind, version, from, materialValidTo } }: MessagesInput): string {
  const { keys, storage } = stacksOf(rotation);
  const buckets = rotation.buckets.map((one) => mdCode(one.name)).join(', ');
  return {
    version: `Declares key version ${mdCode(version)}: ${keys} creates one empty external-origin key and its alias ${mdCode(`${rotation.alias}/${version}`)}. ${
      materialValidTo
        ? `Its material expires at ${mdCode(materialValidTo.toISOString().replace('.000Z', 'Z'))} and must be replaced before that.`
        : 'Its material does not expire.'
    }`,
    switch: `Makes ${mdCode(version)} the active version instead of ${mdCode(from)}: ${storage} moves the alias and the default encryption of ${buckets}. Then post-apply re-encrypts existing objects.`,
    retire: `Records in the file that ${mdCode(version)} is disabled, so that ${keys} also declares it disabled.`,
    rollback: `Rolls back from ${mdCode(from)} to ${mdCode(version)}: the alias and the default encryption of ${buckets} move back to it.`,
  }[kind];
}

function whySafe(input: MessagesInput): readonly string[] {
  const { rotation, proposal, observed } = input;
  const { kind, version, from } = proposal;
  const said: Record<Proposal['kind'], string[]> = {
    version: [
      'Nothing uses the new key yet: the alias, the bucket defaults and all objects do not change.',
      'This change contains no key material; no plan or state does. Synthesis fails otherwise.',
      'Expected plan: it creates the key, its alias and the declared expiry alarms; it changes and destroys nothing.',
    ],
    switch: [
      `The plan itself refuses a target key that is not ${mdCode('Enabled')} with origin ${mdCode('EXTERNAL')}.`,
      `${mdCode(from)} stays enabled: every existing object stays readable.`,
      `${mdCode(from)} is disabled only if the retire gate allows it. The gate checks every object version again and stays closed while one is under it or unknown. The key is never deleted.`,
      `To roll back, open another pull request: ${mdCode('npx keyturn propose rollback')}.`,
    ],
    retire: [
      observed?.key?.state === 'Disabled'
        ? `${mdCode(version)} is already ${mdCode('Disabled')} in AWS; the file records it.`
        : `Evidence shows that the retire gate opened for ${mdCode(version)} and that its key was disabled.`,
      'A disabled key is never deleted. Enabling it again makes everything under it readable at once.',
    ],
    rollback: [
      `The plan itself refuses ${mdCode(version)} as a target before its key is ${mdCode('Enabled')}.`,
      `${mdCode(from)} stays enabled: objects under it stay readable.`,
    ],
  };
  const { verifyOnlyBuckets } = rotation.retire;
  const others =
    kind === 'switch' && verifyOnlyBuckets.length > 0
      ? [`The gate also checks ${verifyOnlyBuckets.map(mdCode).join(', ')}, which this rotation does not manage.`]
      : [];
  return [...notYet(input), ...said[kind], ...others];
}

/** The target key must be Enabled first; if the change is merged earlier, the plan is refused and nothing moves. */
function notYet({ rotation, proposal: { kind, version }, observed }: MessagesInput): readonly string[] {
  if ((kind !== 'switch' && kind !== 'rollback') || !observed || observed.key?.state === 'Enabled') return [];
  const { stacks } = rotation.terraform;
  const orAtOnce = stacks ? '' : `, or run ${mdCode('npx keyturn rollback')}, which does all steps`;
  const found = `**Do not merge yet**: the key of ${mdCode(version)} is ${mdCode(observed.key?.state ?? 'missing')}. The plan is refused until it is ${mdCode('Enabled')}.`;
  const next =
    observed.key?.state === 'Disabled'
      ? `Enable it with ${mdCode(`aws kms enable-key --key-id ${observed.key.arn}`)}${orAtOnce}.`
      : `Import its material first: ${mdCode('npx keyturn pre-apply')}.`;
  return [`${found} ${next}`];
}

function stillToCome({ rotation, proposal: { kind, version, from } }: MessagesInput): readonly string[] {
  const { keys, storage } = stacksOf(rotation);
  const preApply = `${mdCode('npx keyturn pre-apply')}: it generates material, saves it in custody, wraps and imports it; ${mdCode(version)} becomes ${mdCode('Enabled')}.`;
  const postApply = (old: string) =>
    `${mdCode('npx keyturn post-apply')}: it re-encrypts (${mdCode(rotation.reencrypt.method)}) and verifies the objects, then disables ${mdCode(old)} if the gate allows it.`;
  const record = (old: string) =>
    `${mdCode(`npx keyturn propose retire --name ${old}`)}: a pull request that records it.`;
  const steps: Record<Proposal['kind'], string[]> = {
    version: [
      `On merge, the pipeline applies the reviewed plan of ${keys}.`,
      preApply,
      `${mdCode(`npx keyturn propose switch --name ${version}`)}: the next pull request.`,
    ],
    switch: [`On merge, the pipeline applies the reviewed plan of ${storage}.`, postApply(from), record(from)],
    retire: [`On merge, the pipeline applies the plan of ${keys}, which should have no changes.`],
    rollback: [
      `On merge, the pipeline applies the reviewed plan of ${storage}.`,
      `${mdCode('npx keyturn post-apply')}: it moves the objects back under ${mdCode(version)}. ${mdCode(from)} is then not a superseded version and stays enabled.`,
    ],
  };
  return steps[kind];
}

/** By name, for a sentence. */
function stacksOf(rotation: MessagesInput['rotation']) {
  const { keys, storage } = declaredStacks(rotation);
  return { keys: `the stack ${mdCode(keys)}`, storage: `the stack ${storage.map(mdCode).join(', ')}` };
}

export const newKeyMessages: ProposalMessages = { changes, whySafe, stillToCome };
