import type { Statement } from '../document';

/** A policy as it was put: its text, and what it says. */
export interface StoredPolicy {
  readonly text: string;
  readonly statements: readonly Statement[];
}

/** One IAM role. Times are milliseconds since the epoch. */
export interface Role {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly id: string;
  readonly createdAt: number;
  description: string | undefined;
  /** Seconds. */
  maxSessionDuration: number;
  trust: StoredPolicy;
  readonly tags: Map<string, string>;
  /** The inline policies by name. */
  readonly policies: Map<string, StoredPolicy>;
  /** ARNs of the managed policies. */
  readonly attached: Set<string>;
  /** ARN of the managed policy that is its permissions boundary. */
  boundary: string | undefined;
}
