import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { KeyturnError, throwIfInterrupted } from '../errors';
import type { TerraformBinary } from './binary';
import { type ChildOutcome, runChild } from './child';
import type { ProviderSource } from './cli-configuration';
import { errorsIn, lastLines } from './diagnostics';
import type { KeptProvider } from './kept-provider';
import { onlyJsonLine, reportedWork } from './plan-outcome';
import type { StackDirectory } from './synthesize';
import { terraformEnvironment } from './terraform-environment';
import { asFailure } from './terraform-failure';
import { destroyedForGood, NO_CHANGES, type PlanSummary, readPlan, summarizePlan } from './terraform-plan';

export interface TerraformInput {
  readonly binary: TerraformBinary;
  readonly source: ProviderSource;
  /** Provider versions that the stacks require, as a constraint of Terraform. */
  readonly required: string;
  /** The CLI configuration to run with; undefined leaves it to Terraform. */
  readonly cliConfiguration: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** How long a command waits for a state lock. Default 60 s. */
  readonly lockTimeoutSeconds?: number;
  /**
   * False: plans take no lock, so that a role that can only read can plan. `apply` always locks, and refuses a plan of
   * an older state. Default true.
   */
  readonly locksPlans?: boolean;
  /** A provider that every command but `init` asks. Default: Terraform starts one for each command. */
  readonly provider?: KeptProvider | undefined;
}

/** A plan file. Terraform applies exactly this file, or nothing. */
export interface PlanFile {
  readonly stack: StackDirectory;
  readonly planFile: string;
  readonly changes: boolean;
  readonly summary: PlanSummary;
  /** What `terraform show -json` prints of the plan file; undefined for a plan without changes, which nobody asked it of. */
  readonly json: string | undefined;
}

const PLAN_FILE = 'keyturn.tfplan';
const PUT_BACK =
  'restore the missing entries in the rotation file (a retired version stays in it, with disabled: true); to remove a resource deliberately, first remove it from the state (terraform state rm)';
const INIT_RECORD = '.terraform/keyturn-init.sha256';

/**
 * Terraform on synthesized stacks. It never unlocks a state, never uses -target, and never applies without a plan
 * file.
 */
export class Terraform {
  readonly #input: TerraformInput;

  constructor(input: TerraformInput) {
    this.#input = input;
  }

  /**
   * Initializes a stack's directory, unless the last one was for the same backend, provider and Terraform.
   *
   * A changed backend is refused and never adopted silently: without its state, the plan would create everything again.
   *
   * @throws KeyturnError `terraform-workspace-selected`, `terraform-provider-missing`, `terraform-backend-changed`, `terraform-failed`,
   * `interrupted`, and the
   * errors of AWS
   */
  async init(stack: StackDirectory): Promise<void> {
    await refuseSelectedWorkspace(stack);
    const record = join(stack.directory, INIT_RECORD);
    const fingerprint = await this.#fingerprint(stack);
    const last = await readFile(record, 'utf8').catch(() => undefined);
    if (last === fingerprint) return;
    const outcome = await this.#run(stack, ['init', '-input=false', '-no-color']);
    if (outcome.exit !== 0) throw this.#initFailure(stack, outcome);
    await writeFile(record, await this.#fingerprint(stack));
  }

  /**
   * Plans a stack to a file. It runs the provider once, and a second time for the summary only if there are changes.
   *
   * @throws KeyturnError `terraform-guard`, `terraform-wrapped`, `terraform-destroys` (a plan that destroys a key, a bucket or a bucket's
   * default
   * encryption is never returned), `terraform-state-locked`, `terraform-failed`, `interrupted`, and the errors of AWS
   */
  async plan(stack: StackDirectory): Promise<PlanFile> {
    await this.init(stack);
    const planFile = join(stack.directory, PLAN_FILE);
    const args = ['plan', '-json', '-input=false', '-detailed-exitcode', `-out=${planFile}`, this.#planLock()];
    const outcome = await this.#run(stack, args);
    this.#refuseWrapper('plan', stack, outcome);
    if (outcome.exit === 0) return { stack, planFile, changes: false, summary: NO_CHANGES, json: undefined };
    if (outcome.exit !== 2) throw this.#failure('plan', stack, outcome);
    const json = await this.#show(stack, planFile);
    const summary = summarizePlan(readPlan(json));
    const addresses = destroyedForGood(summary);
    if (addresses.length > 0) {
      await rm(planFile, { force: true });
      throw new KeyturnError('terraform-destroys', { stack: stack.name, addresses, next: PUT_BACK });
    }
    return { stack, planFile, changes: true, summary, json };
  }

  /**
   * Applies exactly that plan file without interruption: an interrupted creation taints the resource, a tainted key
   * must be replaced, and `prevent_destroy` forbids that. An interruption is reported once Terraform is done.
   *
   * @throws KeyturnError `terraform-wrapped`, `terraform-plan-stale`, `terraform-state-locked`, `terraform-failed`, `interrupted`
   * (everything is applied then), and the errors of AWS
   */
  async apply({ stack, planFile }: Pick<PlanFile, 'stack' | 'planFile'>): Promise<void> {
    const args = ['apply', '-json', '-input=false', this.#lockTimeout(), planFile];
    const outcome = await this.#run(stack, args, 'finish');
    if (outcome.exit !== 0) throw this.#failure('apply', stack, outcome);
    this.#refuseWrapper('apply', stack, outcome);
  }

  /**
   * The addresses in a stack's state, as the last apply left it; none without a state.
   *
   * @throws KeyturnError `terraform-failed`, `interrupted`, and the errors of {@link init}
   */
  async managed(stack: StackDirectory): Promise<ReadonlySet<string>> {
    await this.init(stack);
    const outcome = await this.#run(stack, ['state', 'list']);
    if (outcome.exit === 0) return new Set(outcome.stdout.split('\n').filter((line) => line !== ''));
    if (/No state file was found/.test(outcome.stderr)) return new Set();
    throw this.#failure('state list', stack, outcome);
  }

  async #show(stack: StackDirectory, planFile: string): Promise<string> {
    const outcome = await this.#run(stack, ['show', '-json', '-no-color', planFile]);
    if (outcome.exit !== 0) throw this.#failure('show', stack, outcome);
    return onlyJsonLine(outcome.stdout) ?? outcome.stdout;
  }

  /** Exit 0 counts only if Terraform's own lines agree with it; so does an exit that is no answer to a finished plan. */
  #refuseWrapper(command: 'plan' | 'apply', stack: StackDirectory, { exit, stdout }: ChildOutcome): void {
    const { finished, changes } = reportedWork(stdout, command);
    const failed = errorsIn(stdout).length > 0;
    const contradicted =
      exit === 0
        ? failed || !finished || (command === 'plan' && changes)
        : exit !== null && exit !== 2 && finished && !failed;
    if (!contradicted) return;
    const reported = failed ? 'an error' : changes ? 'changes' : finished ? 'no changes' : 'no result';
    throw new KeyturnError('terraform-wrapped', {
      file: this.#input.binary.file,
      command,
      stack: stack.name,
      exit,
      reported,
    });
  }

  #planLock(): string {
    return this.#input.locksPlans === false ? '-lock=false' : this.#lockTimeout();
  }

  #lockTimeout(): string {
    return `-lock-timeout=${this.#input.lockTimeoutSeconds ?? 60}s`;
  }

  async #run(
    stack: StackDirectory,
    args: readonly string[],
    onAbort: 'stop' | 'finish' = 'stop',
  ): Promise<ChildOutcome> {
    const { binary, env: given, cliConfiguration, signal, provider } = this.#input;
    const during = `terraform ${args[0]} of ${stack.name}`;
    throwIfInterrupted(signal, during);
    const env = terraformEnvironment(given, cliConfiguration);
    const attachment = args[0] === 'init' ? undefined : await provider?.attachment(stack, binary, env);
    const outcome = await runChild({
      file: binary.file,
      args,
      cwd: stack.directory,
      env: attachment === undefined ? env : { ...env, TF_REATTACH_PROVIDERS: attachment },
      signal,
      onAbort,
    });
    if (outcome.interrupted && (onAbort === 'stop' || outcome.exit === 0))
      throw new KeyturnError('interrupted', { during });
    return outcome;
  }

  #failure(command: string, stack: StackDirectory, outcome: ChildOutcome): KeyturnError {
    return asFailure({
      command,
      stack: stack.name,
      directory: stack.directory,
      exit: outcome.exit,
      diagnostics: errorsIn(outcome.stdout),
      lastLines: lastLines(outcome.stderr || outcome.stdout),
    });
  }

  #initFailure(stack: StackDirectory, outcome: ChildOutcome): KeyturnError {
    const reported = lastLines(outcome.stderr);
    if (reported.includes('Backend configuration changed')) {
      return new KeyturnError('terraform-backend-changed', { stack: stack.name, directory: stack.directory });
    }
    if (!/Failed to (query available provider packages|install provider|resolve provider packages)/.test(reported)) {
      const diagnostics = [{ severity: 'error' as const, summary: reported, detail: '' }];
      const { name, directory } = stack;
      return asFailure({
        command: 'init',
        stack: name,
        directory,
        exit: outcome.exit,
        diagnostics,
        lastLines: reported,
      });
    }
    const searched = this.#input.source.kind === 'registry' ? this.#input.source.searched : [];
    return new KeyturnError('terraform-provider-missing', { required: this.#input.required, searched, reported });
  }

  /**
   * Hash of everything that an init depends on: the configuration's terraform block, the binary, the CLI
   * configuration, the lock.
   */
  async #fingerprint(stack: StackDirectory): Promise<string> {
    const { binary, cliConfiguration } = this.#input;
    const configuration = CONFIGURATION.parse(JSON.parse(await readFile(join(stack.directory, 'cdk.tf.json'), 'utf8')));
    const parts = [
      configuration.terraform,
      binary,
      cliConfiguration === undefined ? '' : await readFile(cliConfiguration, 'utf8').catch(() => ''),
      await readFile(join(stack.directory, '.terraform.lock.hcl'), 'utf8').catch(() => ''),
    ];
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  }
}

const CONFIGURATION = z.object({ terraform: z.unknown() });

/** Terraform saves the selected workspace beside its data; each has a state of its own. */
async function refuseSelectedWorkspace({ name, directory }: StackDirectory): Promise<void> {
  const selected = (await readFile(join(directory, '.terraform', 'environment'), 'utf8').catch(() => '')).trim();
  if (selected === '' || selected === 'default') return;
  throw new KeyturnError('terraform-workspace-selected', { stack: name, selected, directory });
}
