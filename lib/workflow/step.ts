import type { RotationRun } from './rotation-run';

export type StepId =
  | 'declare-keys'
  | 'import-material'
  | 'switch'
  | 'rotate-material'
  | 're-encrypt'
  | 'verify'
  | 'retire'
  | 'record';

/** What a step finds when it looks at AWS, before anything is done. */
export type StepState =
  | { readonly state: 'done'; readonly summary: string }
  | { readonly state: 'ready'; readonly summary: string }
  | { readonly state: 'blocked'; readonly summary: string; readonly hint: string };

/** What a step did. `unchanged`: it was finished already. `partly`: run it again; see the facts. */
export interface StepResult {
  readonly outcome: 'changed' | 'unchanged' | 'partly';
  readonly summary: string;
  /** JSON facts for the evidence and for `--json`; nothing secret. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Given: the steps behind this one cannot begin yet. The next thing to type. */
  readonly endsWith?: string;
}

/**
 * One step of the flow. `check` only reads AWS; `run` brings the step to its end and is a no-op where it already is;
 * `verify` looks at AWS afresh and throws when the step did not leave behind what it promises.
 */
export interface Step {
  readonly id: StepId;
  readonly title: string;
  readonly doneBy: 'Terraform, keys stack' | 'pre-apply' | 'Terraform, storage stack' | 'post-apply' | 'every step';
  readonly leavesBehind: string;
  check(run: RotationRun): Promise<StepState>;
  run(run: RotationRun): Promise<StepResult>;
  verify(run: RotationRun): Promise<void>;
}
