import { list, text, type Values, values } from '../plan-values';
import { parsedObject } from './difference';

/** A text that was given, and what findings call it. */
export interface NamedText {
  /** Path as given to the command, `plan/keys.cdk.tf.json`. */
  readonly name: string;
  readonly text: string;
}

/** Both stacks as trusted code synthesizes them from the rotation file: the texts of their `cdk.tf.json`. */
export interface ExpectedStacks {
  readonly keys: string;
  readonly storage: string;
}

/** What a plan file holds of the configuration and the backend that it was made with. */
export interface PlanFileFacts {
  readonly name: string;
  readonly sha256: string;
  readonly configuration: Readonly<Record<string, string>>;
  /** Names of its modules; the root is the empty name. */
  readonly modules: readonly string[];
  readonly lock: string | undefined;
  readonly backend: { readonly type: string; readonly workspace: string; readonly settings: Values };
  /** False: the JSON that is reviewed is not what Terraform shows of the plan file. */
  readonly showsThePlan: boolean;
}

/** The expected text of a plan's stack; undefined: there is no expectation, or it is not clear which stack it is. */
export function expectedStack(
  expected: ExpectedStacks | undefined,
  stack: keyof ExpectedStacks | 'both' | 'none',
): string | undefined {
  if (expected === undefined || stack === 'both') return undefined;
  if (stack !== 'none') return expected[stack];
  // All versions adopted: the keys stack declares nothing.
  return parsedObject(expected.keys)?.resource === undefined ? expected.keys : undefined;
}

/** A line of a block in a lock as Terraform writes it. */
const LOCK_LINE = /^ {2}(version|constraints) += "([^"]*)"$|^ {2}hashes = \[$|^ {4}"(h1|zh):[^"]*",$|^ {2}\]$/;

/**
 * The providers that a lock file names, with their versions. A line that Terraform does not write counts as a provider of that
 * name: HCL could hide one in it that a simpler reader does not see.
 */
export function lockedProviders(lock: string): readonly { readonly name: string; readonly version: string }[] {
  const found: { name: string; version: string }[] = [];
  let open: { name: string; version: string } | undefined;
  for (const line of lock.split('\n')) {
    const [, name] = /^provider "([^"]*)" \{$/.exec(line) ?? [];
    const [matched, field, value] = LOCK_LINE.exec(line) ?? [];
    if (open === undefined && name !== undefined) {
      open = { name, version: '(none)' };
      found.push(open);
    } else if (open !== undefined && line === '}') open = undefined;
    else if (open !== undefined && matched !== undefined && !(field === 'version' && open.version !== '(none)')) {
      if (field === 'version') open.version = value ?? '';
    } else if (line !== '' && !(open === undefined && line.startsWith('#')))
      found.push({ name: line, version: '(none)' });
  }
  return found;
}

/** The backend of a stack file: its type and its settings. */
export function declaredBackend(stack: Values): { readonly type: string; readonly settings: Values } {
  const [[type, held] = ['(none)', {}]] = Object.entries(values(values(stack.terraform).backend));
  return { type, settings: values(Array.isArray(held) ? list(held)[0] : held) };
}

/** Account that the plan's credentials belonged to, if the plan shows it. */
export function callerAccount(
  prior: readonly { readonly type: string; readonly values: Values }[],
): string | undefined {
  return text(prior.find(({ type }) => type === 'aws_caller_identity')?.values.account_id);
}
