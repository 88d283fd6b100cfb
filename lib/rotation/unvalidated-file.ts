/** A rotation file that has not passed the schema: the input of the rules across fields, which trust no field. */
import { shownText } from './faults';
import type { FieldPath } from './field-messages';
import type { FaultMessage } from './yaml-source';

/** The place and the message of a rule's fault. */
export interface Finding extends FaultMessage {
  readonly at: FieldPath;
}

export type UnvalidatedMapping = Readonly<Record<string, unknown>>;

export const mapping = (value: unknown): UnvalidatedMapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as UnvalidatedMapping) : {};
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export interface UnvalidatedVersion {
  readonly index: number;
  readonly name: string | undefined;
  readonly validTo: string | undefined;
  readonly keyArn: string | undefined;
  readonly takeOver: string | undefined;
  readonly keptPolicy: string | undefined;
  readonly retire: boolean;
  readonly disabled: boolean;
}

export interface UnvalidatedFile {
  readonly file: UnvalidatedMapping;
  readonly versions: readonly UnvalidatedVersion[];
  /** Index of the active version; -1 when it is not declared. */
  readonly active: number;
}

export function unvalidated(value: unknown): UnvalidatedFile {
  const file = mapping(value);
  const versions = list(file.keyVersions).map((item, index) => {
    const version = mapping(item);
    return {
      index,
      name: textOf(version.name),
      validTo: textOf(version.materialValidTo),
      keyArn: textOf(version.keyArn),
      takeOver: textOf(version.takeOver),
      keptPolicy: textOf(version.keptPolicy),
      retire: version.retire === true,
      disabled: version.disabled === true,
    };
  });
  const wanted = textOf(file.activeVersion);
  return {
    file,
    versions,
    active: versions.findIndex((version) => version.name !== undefined && version.name === wanted),
  };
}

/** A fault for every value that repeats an earlier one. */
export function repeated(
  values: readonly (string | undefined)[],
  at: (index: number) => FieldPath,
  words: Omit<FaultMessage, 'given'>,
): Finding[] {
  const seen = new Set<string>();
  return values.flatMap((value, index): Finding[] => {
    if (value === undefined) return [];
    if (seen.has(value)) return [{ at: at(index), given: `${shownText(value)} a second time`, ...words }];
    seen.add(value);
    return [];
  });
}
