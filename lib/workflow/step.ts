import type { FlowFacts, StepId } from './flow-facts';
import type { RotationRun } from './rotation-run';

/** What a step finds when it reads AWS, before anything is done. */
export type StepState =
  | { readonly state: 'done'; readonly summary: string }
  | { readonly state: 'ready'; readonly summary: string }
  | { readonly state: 'blocked'; readonly summary: string; readonly hint: string };

/** What a step did. `unchanged`: it was finished already. `partly`: run it again; see the facts. */
export interface StepResult<Id extends StepId = StepId> {
  readonly outcome: 'changed' | 'unchanged' | 'partly';
  readonly summary: string;
  /** What the step found: for the steps behind it that name it, the evidence and `--json`; nothing secret. */
  readonly facts: Partial<FlowFacts[Id]>;
  /** In a dry run: what a real run would change or refuse. Absent: it would find nothing to do. */
  readonly pending?: string;
  /** Of a step that is partly done: what to type, where running it again does not help. */
  readonly hint?: string;
  /** Given: the steps behind this one cannot begin yet. The next thing to type. */
  readonly endsWith?: string;
}

/** What the named steps of this run found; a step that did not run, or had nothing to do, left nothing. */
export type Earlier<Ids extends StepId> = { readonly [Id in Ids]?: Partial<FlowFacts[Id]> };

/**
 * One step of the flow. `check` only reads AWS; `run` brings the step to its end and is a no-op where it already is;
 * `verify` reads AWS afresh and throws when the step did not leave behind what it promises.
 *
 * The type says what the step may touch: `Needs` are the members of the run that it uses, `Uses` the earlier steps whose
 * facts {@link runFlow} hands to it.
 */
export interface Step<Id extends StepId = StepId, Needs = RotationRun, Uses extends StepId = StepId> {
  readonly id: Id;
  readonly title: string;
  readonly doneBy: 'Terraform, keys stack' | 'pre-apply' | 'Terraform, storage stack' | 'post-apply' | 'every step';
  readonly leavesBehind: string;
  check(run: Needs): Promise<StepState>;
  run(run: Needs, earlier: Earlier<Uses>): Promise<StepResult<Id>>;
  verify(run: Needs, result: StepResult<Id>): Promise<void>;
}
