import type { TerraformResource } from 'cdktf';
import type { AdoptedResource } from '../lib/rotation/adopted-resources';

/**
 * Lets Terraform take a resource that exists into its state instead of creating it, where the rotation file says so. The
 * logical id must be final: the block names the address.
 */
export function importAdopted(resource: TerraformResource, adopted: readonly AdoptedResource[]): void {
  const address = `${resource.terraformResourceType}.${resource.friendlyUniqueId}`;
  const found = adopted.find((one) => one.address === address);
  if (found !== undefined) resource.importFrom(found.id);
}
