import path from 'node:path';
import { isCode } from '../../lib/errors';
import type { WorkspaceOptions } from '../../lib/terraform/open-workspace';
import type { Workspace } from '../../lib/terraform/workspace';
import { openCustodian } from '../../lib/workflow/material/open-custodian';
import type { RotationRun, RunRecord } from '../../lib/workflow/rotation-run';
import { type CommandContext, flag, type OptionValues } from './command';
import type { Target } from './open-target';
import { materialOptions, reencryptOptions } from './run-options';

/** Journals must outlive a run; the outcomes belong to the run's evidence and are stored next to it. */
function runFiles(evidenceFile: string): RotationRun['files'] {
  const { dir, name } = path.parse(evidenceFile);
  return { journals: path.join(dir, '..', 'journals'), outcomes: path.join(dir, `${name}.outcomes`) };
}

/** Everything the steps may use, from what the command line and the environment say. */
export async function assembleRun(
  context: CommandContext,
  options: OptionValues,
  target: Target,
  evidence: RunRecord,
): Promise<RotationRun> {
  const { terminal, signal, env } = context;
  return {
    ...target,
    workspace: workspaceOnDemand({ rotation: target.rotation, env, signal }),
    custodian: openCustodian(target.rotation, { noCustody: options.custody === false, env, signal }),
    material: materialOptions(context, options),
    reencrypt: reencryptOptions(options),
    evidence,
    reporter: terminal,
    signal,
    dryRun: flag(options, 'dryRun'),
    approve: (question) => (flag(options, 'yes') ? Promise.resolve() : terminal.confirm(question, signal)),
    ask: (question) => ask(terminal, question, signal, flag(options, 'yes')),
    files: evidence.file === undefined ? undefined : runFiles(evidence.file),
  };
}

/** Most commands read AWS alone: what runs Terraform is loaded at the first question to it. */
function workspaceOnDemand(options: WorkspaceOptions): Workspace {
  let opened: Workspace | undefined;
  const open = (): Workspace => {
    const room = require('../../lib/terraform/open-workspace') as typeof import('../../lib/terraform/open-workspace');
    opened ??= room.openWorkspace(options);
    return opened;
  };
  return {
    plan: (stack) => open().plan(stack),
    apply: (plan) => open().apply(plan),
    declared: (stack) => open().declared(stack),
    managed: (stack) => open().managed(stack),
  };
}

async function ask(
  terminal: CommandContext['terminal'],
  question: string,
  signal: AbortSignal,
  yes: boolean,
): Promise<boolean> {
  if (yes || !terminal.interactive) return false;
  try {
    await terminal.confirm(question, signal);
    return true;
  } catch (error) {
    if (isCode(error, 'declined')) return false;
    throw error;
  }
}
