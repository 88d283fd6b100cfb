import path from 'node:path';
import { EXIT } from '../lib/errors';
import { writeWrappingRequest } from '../lib/key-material/ceremony/wrapping-request';
import { requestMaterial } from '../lib/workflow/material/ceremony';
import { type CommandContext, type CommandOutcome, flag, type OptionValues, text } from './cli/command';
import { withReading } from './cli/session';
import { shellWord } from './cli/shell-word';
import { requestLines } from './material-shown';

/** First part, with AWS access: writes public key and token of KMS for one version to a file. */
export async function prepareRequest(context: CommandContext, options: OptionValues): Promise<CommandOutcome> {
  const { terminal, cwd } = context;
  const end = await withReading(context, options, (run) =>
    requestMaterial(run, { version: text(options, 'version'), algorithm: text(options, 'wrappingAlgorithm') }),
  );
  const request = end.result;
  const file = path.resolve(cwd, text(options, 'out') ?? `${request.rotation}-${request.version}.request.json`);
  const dryRun = flag(options, 'dryRun');
  if (!dryRun) await writeWrappingRequest(file, request);
  terminal.heading(dryRun ? `a request for ${request.version}; not written` : `request written to ${file}`);
  for (const line of requestLines(request)) terminal.note(line);
  terminal.hint(
    `take it to the machine that holds the material, read the fingerprint out over another channel, and run \`npx keyturn material wrap --request ${shellWord(path.basename(file))}\` there`,
  );
  return {
    exitCode: EXIT.done,
    data: { part: 'prepare', dryRun, file: dryRun ? null : file, ...shown(request) },
  };
}

const shown = ({ rotation, version, keyArn, publicKeySha256, algorithm, wrappingKeySpec, validTo }: Shown) => ({
  rotation,
  version,
  keyArn,
  publicKeySha256,
  algorithm,
  wrappingKeySpec,
  validTo,
});

type Shown = Awaited<ReturnType<typeof requestMaterial>>;
