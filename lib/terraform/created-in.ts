import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type CreatedResource, createdResource, nameAttribute } from '../rotation/created-resource';
import type { StackDirectory } from './synthesize';
import type { PlanSummary } from './terraform-plan';

/** The keys, aliases and buckets that a plan creates. */
export function createdIn({ resources }: PlanSummary): readonly CreatedResource[] {
  return resources.flatMap(({ address, type, action, attributes }) => {
    if (action !== 'create') return [];
    const after = attributes.find(({ path }) => path === nameAttribute(type))?.after;
    return createdResource(address, type, after?.known ? after.value : undefined) ?? [];
  });
}

const STACK = z.object({
  resource: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  import: z.array(z.object({ to: z.string() })).default([]),
});

/** The keys, aliases and buckets that a synthesized stack declares, without those that it imports. */
export async function declaredResources({
  directory,
}: Pick<StackDirectory, 'directory'>): Promise<readonly CreatedResource[]> {
  const { resource, import: imports } = STACK.parse(
    JSON.parse(await readFile(path.join(directory, 'cdk.tf.json'), 'utf8')),
  );
  const imported = new Set(imports.map(({ to }) => to));
  return Object.entries(resource)
    .flatMap(([type, named]) =>
      Object.entries(named).flatMap(
        ([id, values]) => createdResource(`${type}.${id}`, type, values[nameAttribute(type)]) ?? [],
      ),
    )
    .filter(({ address }) => !imported.has(address));
}
