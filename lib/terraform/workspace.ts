import type { PlanSummary } from './terraform-plan';

/** Which of a rotation's two stacks. */
export type StackRole = 'keys' | 'storage';

/** A plan file on disk and what it says; applying it applies exactly that file. */
export interface StackPlan {
  readonly stack: StackRole;
  readonly planFile: string;
  readonly changes: boolean;
  readonly summary: PlanSummary;
  /** The plan in a reviewer's words. */
  readonly text: string;
  /** Versions of what planned it; the provider is absent where it left no lock file. */
  readonly tools: { readonly terraform: string; readonly awsProvider: string | undefined };
}

/** The two stacks of a rotation in a working directory, synthesized once a run. */
export interface Workspace {
  plan(stack: StackRole): Promise<StackPlan>;
  apply(plan: StackPlan): Promise<void>;
}
