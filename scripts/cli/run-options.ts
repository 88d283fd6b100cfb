import path from 'node:path';
import { KeyturnError } from '../../lib/errors';
import type { RotationRun } from '../../lib/workflow/rotation-run';
import { type CommandContext, flag, type OptionValues, text } from './command';

/** The source of the material, and the identity that decrypts custody. */
export function materialOptions(context: CommandContext, options: OptionValues): RotationRun['material'] {
  const file = text(options, 'materialFile');
  const identity = text(options, 'identity');
  return {
    source: file ? { kind: 'file', path: path.resolve(context.cwd, file) } : { kind: 'generate' },
    identityFile: identity ? path.resolve(context.cwd, identity) : undefined,
  };
}

/** More than a machine has cores for, or S3 has requests for, helps nobody. */
const MAX_PROCESSES = 64;

const ENGINES = ['local', 'batch', 'auto'] as const;

/** @throws usage for an invalid number or duration */
export function reencryptOptions(options: OptionValues): RotationRun['reencrypt'] {
  return {
    concurrency: positiveInteger(options, 'concurrency', '--concurrency', 1024),
    maxRps: positiveInteger(options, 'maxRps', '--max-rps', 999_999),
    optimistic: flag(options, 'optimistic'),
    relistDelayMs: duration(options, 'relistDelay', '--relist-delay') ?? 0,
    abortUploadsOlderThanMs: duration(options, 'abortUploadsOlderThan', '--abort-uploads-older-than'),
    waitForUploadsMs: duration(options, 'waitForUploads', '--wait-for-uploads') ?? 0,
    readAll: flag(options, 'readAll'),
    engine: ENGINES.find((one) => one === text(options, 'engine')),
    confirm: flag(options, 'confirm'),
    newJob: flag(options, 'newJob'),
  };
}

/** How many processes move objects. @throws usage */
export function processesOf(options: OptionValues): number {
  return positiveInteger(options, 'processes', '--processes', MAX_PROCESSES) ?? 1;
}

function positiveInteger(options: OptionValues, name: string, flagName: string, most: number): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  const number = /^[1-9][0-9]{0,5}$/.test(value) ? Number(value) : Number.NaN;
  if (number <= most) return number;
  const problem = `${flagName} accepts a whole number from 1 to ${most}, not ${JSON.stringify(value)}`;
  throw new KeyturnError('usage', { problem, hint: `pass a number, such as ${flagName} 64` });
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `15m`, `12h`, `7d`, in milliseconds; undefined: the option was not given. @throws usage */
export function duration(options: OptionValues, name: string, flagName: string): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  const [, number, unit = ''] = /^(0|[1-9][0-9]{0,4})([smhd])$/.exec(value) ?? [];
  const factor = UNIT_MS[unit];
  if (number !== undefined && factor !== undefined) return Number(number) * factor;
  const problem = `${flagName} accepts a number and a unit (s, m, h, d), not ${JSON.stringify(value)}`;
  throw new KeyturnError('usage', { problem, hint: `pass a duration, such as ${flagName} 7d or 30s` });
}
