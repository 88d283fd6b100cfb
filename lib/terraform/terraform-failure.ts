import { KeyturnError } from '../errors';
import { asAwsFailure } from './aws-failure';
import type { Diagnostic } from './diagnostics';

/** A Terraform command that ended with an error. */
export interface Failure {
  /** `plan`, `apply`, …. */
  readonly command: string;
  /** Name of the stack, `rotation-test-keys`. */
  readonly stack: string;
  /** Directory of its `cdk.tf.json`. */
  readonly directory: string;
  readonly exit: number | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Last lines of its output, for failures without diagnostics. */
  readonly lastLines: string;
}

/** Turns a failure into the error with the right next step; `terraform-failed` if the failure is not recognized. */
export function asFailure(failure: Failure): KeyturnError {
  const recognized =
    refused(failure) ??
    lockDenied(failure) ??
    locked(failure) ??
    stale(failure) ??
    destroying(failure) ??
    asAwsFailure(failure.diagnostics);
  if (recognized) return recognized;
  const reported = failure.diagnostics.map(textOf).join('\n') || failure.lastLines;
  return new KeyturnError('terraform-failed', {
    command: failure.command,
    stack: failure.stack,
    exit: failure.exit,
    reported,
  });
}

/** Summary and detail of Terraform in one line. */
export function textOf({ summary, detail, address }: Diagnostic): string {
  return [address ? `${address}: ${summary}` : summary, ...(detail ? [detail] : [])].join(': ');
}

/** The provider's message if the lookup by version alias finds no key. */
const NO_VERSION_ALIAS = /reading KMS Key \((alias\/[^)]+)\)[\s\S]*(?:couldn't find resource|NotFoundException)/;

function refused({ stack, diagnostics }: Failure): KeyturnError | undefined {
  const conditions = diagnostics.filter((one) => /^Resource (pre|post)condition failed$/.test(one.summary));
  if (conditions.length > 0) {
    const refusals = [
      ...new Set(conditions.map((one) => one.detail.replace(/^keyturn guard: /, '').replace(/\.$/, ''))),
    ];
    return new KeyturnError('terraform-guard', { stack, refusals, next: nextStep(refusals) });
  }
  for (const diagnostic of diagnostics) {
    const [, alias] = NO_VERSION_ALIAS.exec(`${diagnostic.summary} ${diagnostic.detail}`) ?? [];
    if (alias === undefined) continue;
    const refusals = [`${alias} does not exist: its key version does not exist in AWS yet`];
    const keys = stack.replace(/-storage$/, '-keys');
    const next =
      keys === stack
        ? 'the rotation file declares this version disabled: remove the version, or remove its disabled: true'
        : `apply the keys stack first (\`npx cdktf deploy ${keys}\`), run \`npx keyturn pre-apply\`, then plan again`;
    return new KeyturnError('terraform-guard', { stack, refusals, next });
  }
  return undefined;
}

function nextStep(refusals: readonly string[]): string {
  if (refusals.some((refusal) => refusal.includes('npx keyturn post-apply'))) {
    return 'remove disabled: true from it in the rotation file; `npx keyturn post-apply` retires a version';
  }
  return refusals.some((refusal) => refusal.includes('npx keyturn pre-apply'))
    ? 'run `npx keyturn pre-apply`, then plan again'
    : 'fix what the guard reports, then plan again';
}

const LOCK_SUMMARY = 'Error acquiring the state lock';

/** A lock that could not be written is held by nobody: AWS refused the request, or was not reached. */
function lockDenied({ diagnostics }: Failure): KeyturnError | undefined {
  const isHeld = (detail: string): boolean => /Lock Info:|PreconditionFailed/.test(detail);
  return asAwsFailure(diagnostics.filter((one) => one.summary === LOCK_SUMMARY && !isHeld(one.detail)));
}

function locked({ stack, diagnostics }: Failure): KeyturnError | undefined {
  const found = diagnostics.find((one) => one.summary === LOCK_SUMMARY);
  if (!found) return undefined;
  const info = (name: string): string =>
    new RegExp(`^\\s*${name}:\\s+(.+)$`, 'm').exec(found.detail)?.[1]?.trim() ?? 'unknown';
  return new KeyturnError('terraform-state-locked', {
    stack,
    who: info('Who'),
    since: info('Created'),
    operation: info('Operation'),
    id: info('ID'),
  });
}

function stale({ stack, diagnostics }: Failure): KeyturnError | undefined {
  return diagnostics.some((one) => one.summary === 'Saved plan is stale')
    ? new KeyturnError('terraform-plan-stale', { stack })
    : undefined;
}

/** Terraform itself refuses the plan: `prevent_destroy`. An interrupted creation taints the resource and leads here. */
function destroying({ stack, directory, diagnostics }: Failure): KeyturnError | undefined {
  const addresses = diagnostics.flatMap(({ summary, detail }) => {
    const [, address] = /^Resource (\S+) has lifecycle\.prevent_destroy set/.exec(detail) ?? [];
    return summary === 'Instance cannot be destroyed' && address !== undefined ? [address] : [];
  });
  if (addresses.length === 0) return undefined;
  const untaint = addresses.map((address) => `terraform untaint ${address}`).join(' && ');
  const next = `if an earlier apply was interrupted while it created them, run ${untaint} in ${directory} and plan again; otherwise undo the change in the rotation file that replaces them`;
  return new KeyturnError('terraform-destroys', { stack, addresses, next });
}
