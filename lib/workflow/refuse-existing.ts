import { KeyturnError } from '../errors';
import { existingResources } from '../observation/existing-resources';
import type { Observing } from '../observation/observe';
import { type CreatedResource, existingText, keepExisting } from '../rotation/created-resource';
import { stackNames } from '../rotation/rotation';
import { createdIn } from '../terraform/created-in';
import type { StackPlan, StackRole, Workspace } from '../terraform/workspace';

/**
 * Refuses a plan that creates a key, an alias or a bucket which AWS holds already. A new key for a version that has one
 * would take over its alias and its objects' default, and nothing would name the old key any more.
 *
 * @throws resource-exists with every such resource at once
 */
export async function refuseExisting(run: Observing, plan: Pick<StackPlan, 'stack' | 'summary'>): Promise<void> {
  await refuse(run, plan.stack, createdIn(plan.summary));
}

/**
 * The same for a stack that cannot be planned yet: what it declares, its state does not hold, and AWS does. The state is
 * read only if something that it declares exists.
 *
 * @throws resource-exists
 */
export async function refuseUnmanaged(
  run: Observing,
  stack: StackRole,
  workspace: Pick<Workspace, 'declared' | 'managed'>,
): Promise<void> {
  const existing = await existingResources(run, await workspace.declared(stack));
  if (existing.length === 0) return;
  const managed = await workspace.managed(stack);
  await refuse(
    run,
    stack,
    existing.filter(({ address }) => !managed.has(address)),
    { keysStack: stackNames(run.rotation).keys },
  );
}

/** @param unplanned - given: Terraform can import only once it can read the key of the active version, which the keys stack makes */
async function refuse(
  run: Observing,
  stack: StackRole,
  created: readonly CreatedResource[],
  unplanned?: { readonly keysStack: string },
): Promise<void> {
  const existing = await existingResources(run, created);
  if (existing.length === 0) return;
  const found = existing.map((one) => ({
    address: one.address,
    text: existingText(run.rotation, one),
    next: keepExisting(run.rotation, one),
  }));
  throw new KeyturnError('resource-exists', { stack, found, keysStack: unplanned?.keysStack });
}
