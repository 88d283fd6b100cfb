import type { CreatedResource } from '../rotation/created-resource';
import type { PlanSummary } from './terraform-plan';

/** Which of a rotation's two stacks. */
export type StackRole = 'keys' | 'storage';

/** A plan file and its summary; Terraform applies exactly that file. */
export interface StackPlan {
  readonly stack: StackRole;
  readonly planFile: string;
  readonly changes: boolean;
  readonly summary: PlanSummary;
  /** The summary of the plan. */
  readonly text: string;
  /** Versions of the tools; the provider is absent without a lock file. */
  readonly tools: { readonly terraform: string; readonly awsProvider: string | undefined };
}

/** The two stacks of a rotation in a working directory, synthesized once per run. */
export interface Workspace {
  plan(stack: StackRole): Promise<StackPlan>;
  apply(plan: StackPlan): Promise<void>;
  /** The keys, aliases and buckets that the stack declares; from its configuration, without Terraform. */
  declared(stack: StackRole): Promise<readonly CreatedResource[]>;
  /** The addresses in the stack's state, as the last apply left it. */
  managed(stack: StackRole): Promise<ReadonlySet<string>>;
}
