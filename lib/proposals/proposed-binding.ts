/** What a pull request says of the binding: which key it is about to move everything to, and who says so. */
import { type BoundVersion, type Rotation, versionAlias } from '../rotation/rotation';
import { mdCode } from './markdown';

/** Where the binding of a version comes from: it stood there, its custody record names the key, or only the alias does. */
export type BindingSource = 'before' | 'record' | 'alias';

export interface ProposedBinding {
  /** Path of the file in the repository, with `/`. */
  readonly shownFile: string;
  /** The text before the proposal; undefined: there is none. */
  readonly before: string | undefined;
  /** Equal to `before` if nothing changes. */
  readonly after: string | undefined;
  /** The version of the proposal; undefined: nothing binds it. */
  readonly version: { readonly bound: BoundVersion; readonly source: BindingSource } | undefined;
}

/** The section about the binding of a version that becomes active, in Markdown lines. */
export function bindingSection(
  rotation: Rotation,
  name: string,
  { shownFile, version }: ProposedBinding,
): readonly string[] {
  const declared = rotation.keyVersions.find((one) => one.name === name);
  if (declared?.keyArn !== undefined)
    return [`- ${mdCode(name)} is adopted: the rotation file names its key, ${mdCode(declared.keyArn)}.`];
  const alias = mdCode(versionAlias(rotation, { name }));
  if (version === undefined)
    return [
      `- **${mdCode(name)} is not bound**: ${mdCode(shownFile)} does not say which key it is, so ${alias} decides. The review does not call that clean. Run ${mdCode('npx keyturn pre-apply')} first.`,
    ];
  const { keyArn, keyMaterialId, materialValidTo, recipients, custodyRecordSha256 } = version.bound;
  const known = (what: string, value: string | null): string[] =>
    value === null ? [] : [`- ${what}: ${mdCode(value)}`];
  const sources: Record<BindingSource, string> = {
    before: `${mdCode(shownFile)} said so before this pull request.`,
    record: `Its custody record names this key and this material. The import went into the key that ${alias} led to then: compare the ARN with the output ${mdCode(`key_arn_${name}`)} of the keys stack.`,
    alias: `**Nothing but ${alias} says so.** Compare the ARN with the output ${mdCode(`key_arn_${name}`)} of the keys stack.`,
  };
  return [
    `- ${mdCode(name)} is the key ${mdCode(keyArn)}. ${sources[version.source]}`,
    ...known('Key material', keyMaterialId),
    materialValidTo === null
      ? '- The material does not expire.'
      : `- The material expires at ${mdCode(materialValidTo)}.`,
    recipients.length === 0
      ? '- Recipients of the copy in custody: not known here.'
      : `- The copy in custody is sealed for ${recipients.map(mdCode).join(', ')}.`,
    ...known('SHA-256 of the custody record', custodyRecordSha256),
  ];
}
