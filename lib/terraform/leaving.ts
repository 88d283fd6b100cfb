import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { StackDirectory } from './synthesize';

const STACK = z.looseObject({
  terraform: z.looseObject({}),
  provider: z.unknown(),
  resource: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});

/** The oldest Terraform (or OpenTofu) that knows `removed` blocks. */
export const REMOVED_BLOCKS = '>= 1.7.0';

/** A configuration that takes every resource of a stack out of its state, and leaves it as it is in AWS. */
export interface LeavingStack {
  /** `photos-keys` */
  readonly name: string;
  /** Terraform addresses, sorted. */
  readonly addresses: readonly string[];
  /** The `removed` blocks, HCL. */
  readonly blocks: string;
  /** A whole configuration in JSON, with the backend of the stack: it works in a folder as deep as the stack's own. */
  readonly configuration: string;
}

/**
 * @param managed - the addresses in the stack's state: what is in no configuration any more would be destroyed otherwise
 * @see https://developer.hashicorp.com/terraform/language/resources/syntax#removing-resources
 */
export async function leavingStack(
  { name, directory }: StackDirectory,
  managed: ReadonlySet<string>,
): Promise<LeavingStack> {
  const { terraform, provider, resource } = STACK.parse(
    JSON.parse(await readFile(path.join(directory, 'cdk.tf.json'), 'utf8')),
  );
  const declared = Object.entries(resource).flatMap(([type, named]) => Object.keys(named).map((id) => `${type}.${id}`));
  const held = [...managed].filter((address) => !/(^|\.)data\./.test(address));
  const addresses = [...new Set([...declared, ...held])].sort();
  const removed = addresses.map((from) => ({ from, lifecycle: { destroy: false } }));
  const configuration = { terraform: { ...terraform, required_version: REMOVED_BLOCKS }, provider, removed };
  return {
    name,
    addresses,
    blocks: addresses
      .map((from) => `removed {\n  from = ${from}\n  lifecycle {\n    destroy = false\n  }\n}\n`)
      .join('\n'),
    configuration: `${JSON.stringify(configuration, null, 2)}\n`,
  };
}
