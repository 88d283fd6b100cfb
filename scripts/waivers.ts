import path from 'node:path';
import { EXIT, KeyturnError } from '../lib/errors';
import { observe } from '../lib/observation/observe';
import { SCANNERS, type Scanner, scannerWaivers, waivedKeys } from '../lib/review/scanner-waivers';
import { type CommandDefinition, flag, rotationFileOption, text } from './cli/command';
import { withReading } from './cli/session';
import { writeOutput } from './cli/write-output';

export const waivers: CommandDefinition = {
  description:
    'KMS cannot rotate imported key material automatically, and scanners report that. Prints exceptions for the ' +
    'external keys of this rotation, with a link to the evidence. prowler: a mute list. ' +
    'config: input of `aws configservice put-remediation-exceptions` and of `aws securityhub ' +
    'create-automation-rule`.',
  arguments: [{ name: '<scanner>', description: SCANNERS.join(', ') }],
  options: [
    rotationFileOption,
    {
      flags: '--evidence <where>',
      description: 'path or URL of the evidence that the exceptions refer to',
      default: '.keyturn/evidence',
    },
    { flags: '--until <day>', description: 'config: last day of the exception, such as 2027-11-01; default: no end' },
    { flags: '--out <file>', description: 'output file; default: stdout' },
  ],
  mutates: false,
  examples: [
    'npx keyturn waivers prowler --evidence https://evidence.example.com/photos --out mutelist.yaml',
    'npx keyturn waivers config --until 2027-11-01',
  ],
  async run(context, options, args) {
    const scanner = scannerOf(args[0]);
    const until = lastDay(scanner, text(options, 'until'));
    const evidence = text(options, 'evidence') ?? '.keyturn/evidence';
    const { rotation, account, result } = await withReading(context, options, async (run) => {
      const keys = waivedKeys((await observe(run)).versions);
      const input = { rotation: run.rotation, account: run.identity.account, keys, evidence, until };
      return { text: scannerWaivers(scanner, input), keys };
    });
    const given = text(options, 'out');
    const out = given === undefined ? undefined : path.resolve(context.cwd, given);
    if (out !== undefined) await writeOutput(out, result.text);
    else if (!flag(options, 'json')) context.terminal.data(result.text);
    if (result.keys.length === 0)
      context.terminal.warn('no key of this rotation exists in AWS yet: there is nothing to waive');
    return {
      exitCode: EXIT.done,
      data: { rotation: rotation.name, account, scanner, keys: result.keys, file: out ?? null, waivers: result.text },
    };
  },
};

function scannerOf(given: string | undefined): Scanner {
  const scanner = SCANNERS.find((one) => one === given);
  if (scanner) return scanner;
  const problem = `there are no waivers for ${JSON.stringify(given ?? '')}; use one of ${SCANNERS.join(', ')}`;
  throw new KeyturnError('usage', { problem, hint: 'such as `npx keyturn waivers prowler`' });
}

function lastDay(scanner: Scanner, given: string | undefined): Date | undefined {
  if (given === undefined) return undefined;
  const end = new Date(`${given}T23:59:59Z`);
  const exact =
    /^\d{4}-\d{2}-\d{2}$/.test(given) && !Number.isNaN(end.getTime()) && end.toISOString().startsWith(given);
  if (exact && scanner === 'config') return end;
  const problem = exact
    ? `--until is for config only: exceptions of ${scanner} do not expire`
    : `--until accepts a date such as 2027-11-01, not ${JSON.stringify(given)}`;
  throw new KeyturnError('usage', { problem, hint: 'such as `npx keyturn waivers config --until 2027-11-01`' });
}
