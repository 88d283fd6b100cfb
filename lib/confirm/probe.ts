import type { Sandbox } from './sandbox';

/** What AWS answered to one question. */
export type ProbeAnswer<Value extends string = string> =
  /** AWS does the one or the other. */
  | { readonly standing: 'settled'; readonly value: Value; readonly seen: string }
  /** AWS does neither of what Keyturn reckons with. */
  | { readonly standing: 'unforeseen'; readonly seen: string }
  /** The question could not be asked, or the answer proves nothing. */
  | { readonly standing: 'not-settled'; readonly why: string };

/** One question about AWS that its documentation leaves open. */
export interface ProbeDefinition<Value extends string> {
  /** Name of the setting of the embedded endpoint that does what AWS does. */
  readonly setting: string;
  readonly question: string;
  /** What AWS's documentation says about it. */
  readonly documented: string;
  /** Every answer that Keyturn reckons with, and how it handles it. */
  readonly ways: Readonly<Record<Value, string>>;
  /** How many jobs of S3 Batch Operations it creates, each of which has a price. Default 0: it also runs without `--with-jobs`. */
  readonly jobs?: number;
  ask(sandbox: Sandbox): Promise<ProbeAnswer<NoInfer<Value>>>;
}

export type Probe = ProbeDefinition<string>;

/** Checks at compile time that a probe answers with its own values only. */
export function defineProbe<const Value extends string>(definition: ProbeDefinition<Value>): Probe {
  return definition;
}

export const settled = <Value extends string>(value: Value, seen: string): ProbeAnswer<Value> => ({
  standing: 'settled',
  value,
  seen,
});
export const unforeseen = (seen: string): ProbeAnswer<never> => ({ standing: 'unforeseen', seen });
export const notSettled = (why: string): ProbeAnswer<never> => ({ standing: 'not-settled', why });
