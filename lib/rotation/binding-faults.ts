/** What a binding must say for it to be one of this rotation file, however well it is formed. */
import { partitionOf } from './partition';
import type { BoundVersion, Rotation } from './rotation';

/** Every fault of a binding against its rotation file, one clause each. */
export function bindingFaults(rotation: Rotation, versions: readonly BoundVersion[]): readonly string[] {
  return [
    ...nameFaults(rotation, versions),
    ...versions.flatMap((one) => placeFaults(rotation, one)),
    ...versions.flatMap((one) => takeOverFaults(rotation, one)),
    ...keyFaults(rotation, versions),
    ...materialFaults(versions),
  ];
}

function nameFaults({ keyVersions }: Rotation, versions: readonly BoundVersion[]): readonly string[] {
  const at = (name: string): number => keyVersions.findIndex((one) => one.name === name);
  return versions.flatMap(({ name }, index) => {
    if (at(name) < 0) return [`it binds ${name}, which the rotation file does not declare`];
    if (keyVersions[at(name)]?.keyArn !== undefined) return [`it binds ${name}, which is adopted: keyArn binds it`];
    const before = versions[index - 1];
    if (before === undefined || at(before.name) < at(name)) return [];
    return before.name === name
      ? [`it binds ${name} twice`]
      : [`${name} stands after ${before.name}, in another order than in the rotation file`];
  });
}

/** Terraform cannot declare a key of another account or Region. */
function placeFaults({ account, region }: Rotation, { name, keyArn }: BoundVersion): readonly string[] {
  const [, partition, , keyRegion, keyAccount] = keyArn.split(':');
  const own = partitionOf(region);
  return [
    ...(partition === own ? [] : [`${name} is bound to a key of partition ${partition}, ${region} is in ${own}`]),
    ...(keyRegion === region ? [] : [`${name} is bound to a key of Region ${keyRegion}, the rotation is in ${region}`]),
    ...(account === undefined || keyAccount === account
      ? []
      : [`${name} is bound to a key of account ${keyAccount}, the rotation is in ${account}`]),
  ];
}

/** The rotation file names the key itself. */
function takeOverFaults({ keyVersions }: Rotation, { name, keyArn }: BoundVersion): readonly string[] {
  const taken = keyVersions.find((one) => one.name === name)?.takeOver;
  if (taken === undefined || taken === keyArn) return [];
  return [`${name} is bound to ${keyArn}, but the rotation file takes over ${taken}`];
}

function keyFaults({ strategy, keyVersions }: Rotation, versions: readonly BoundVersion[]): readonly string[] {
  const accounts = new Set(versions.map(({ keyArn }) => keyArn.split(':')[4]));
  const mixed = accounts.size > 1 ? [`it binds keys of several accounts: ${[...accounts].join(', ')}`] : [];
  const arns = new Set(versions.map(({ keyArn }) => keyArn));
  if (strategy === 'in-place')
    return arns.size > 1 ? [...mixed, 'it binds several keys, and strategy: in-place has one'] : mixed;
  const adopted = keyVersions.flatMap(({ name, keyArn }) => (keyArn === undefined ? [] : [{ name, keyArn }]));
  return [...mixed, ...shared([...versions, ...adopted], ({ keyArn }) => keyArn)];
}

const materialFaults = (versions: readonly BoundVersion[]): readonly string[] =>
  shared(versions, ({ keyMaterialId }) => keyMaterialId ?? undefined);

/** Versions that stand for the same thing. */
function shared<V extends { readonly name: string }>(
  versions: readonly V[],
  what: (one: V) => string | undefined,
): readonly string[] {
  const names = new Map<string, string[]>();
  for (const one of versions) {
    const value = what(one);
    if (value !== undefined) names.set(value, [...(names.get(value) ?? []), one.name]);
  }
  return [...names].flatMap(([value, all]) => (all.length > 1 ? [`${all.join(' and ')} stand for one: ${value}`] : []));
}
