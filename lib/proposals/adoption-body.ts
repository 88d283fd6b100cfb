import type { AdoptedVersion, Adoption } from './adoption';
import { unifiedDiff } from './diff';
import { mdBlock, mdCode, mdText } from './markdown';

/** The title of the pull request of an adoption. */
export const adoptionTitle = ({ alias, name }: Pick<Adoption, 'alias' | 'name'>): string =>
  `Adopt ${alias} into rotation ${name}`;

/** The unified diff of an adoption. */
export const adoptionDiff = (before: string, after: string, shownFile: string): string =>
  unifiedDiff(before, after, shownFile);

/** The body of the pull request, Markdown. */
export function adoptionBody(adopted: Adoption, before: string, after: string, shownFile: string): string {
  const { alias, versions, buckets, notes } = adopted;
  return [
    `## ${mdText(adoptionTitle(adopted))}`,
    '',
    `Rotation ${mdCode(adopted.name)}, alias ${mdCode(alias)}, Region ${mdCode(adopted.region)}, account ${mdCode(adopted.account)}.`,
    '',
    ...versions.map((version) => `- ${versionWords(version, adopted)}`),
    `- Buckets: ${buckets.map(({ name }) => mdCode(name)).join(', ')}; Terraform owns their default encryption alone.`,
    '',
    mdBlock('diff', adoptionDiff(before, after, shownFile)),
    '',
    '### Why this is safe',
    '',
    `- The stacks import ${mdCode(alias)} and the default encryption of the buckets: the plan shows old → new, and nothing is created twice or destroyed.`,
    '- The plan itself refuses a target key that is not Enabled. No old key is disabled before every object version is verified to be elsewhere, and none is ever deleted.',
    '- The review accepts exactly the imports that this file names.',
    '',
    ...(notes.length > 0 ? ['### To decide', '', ...notes.map((note) => `- ${mdText(note)}`), ''] : []),
    '### Next steps',
    '',
    `1. ${mdCode('npx keyturn plan --out keyturn-plan')} shows the imports.`,
    `1. ${mdCode('npx keyturn rotate')}, or the pipeline: keys stack, ${mdCode('pre-apply')}, storage stack, ${mdCode('post-apply')}.`,
    '',
  ].join('\n');
}

function versionWords({ name, key, way }: AdoptedVersion, { retire }: Adoption): string {
  if (key === undefined) return `${mdCode(name)} is a new external-origin key, and becomes the active version.`;
  const found = `${mdCode(key.arn)} (${mdText(key.state)}, origin ${mdText(key.origin)})`;
  if (way === 'over')
    return `${mdCode(name)} takes over ${found}: its policy, tags and description are Terraform's from now on.`;
  return `${mdCode(name)} is ${found}: objects move away from it${retire ? ', then Keyturn may disable it' : ', and its owner gets the verdict'}.`;
}
