import { confirmTarget } from '../lib/aws/account-guard';
import { clientsFor } from '../lib/aws/rotation-clients';
import { confirmPolicy } from '../lib/confirm/confirm-policy';
import { EXIT, KeyturnError } from '../lib/errors';
import { adoptionPolicy } from '../lib/permissions/adoption-policy';
import { POLICY_NAMES, type PolicyName } from '../lib/permissions/command-permissions';
import { LARGEST_POLICY, policyDocument } from '../lib/permissions/policy-document';
import type { Rotation } from '../lib/rotation/rotation';
import {
  type CommandContext,
  type CommandDefinition,
  type CommandOutcome,
  flag,
  type OptionValues,
  rotationFileOption,
  text,
} from './cli/command';
import { readRotation } from './cli/open-target';

export const policy: CommandDefinition = {
  description:
    'Several names give one combined policy, for example for the role of a pipeline. Changes nothing. Reads the ' +
    'account from the rotation file or from --account, and asks AWS only without both. `adopt` and `confirm` stand alone, ' +
    'without a rotation file; `confirm` needs --account and --region.',
  arguments: [{ name: '<for...>', description: `${POLICY_NAMES.join(', ')}; or adopt or confirm alone` }],
  options: [
    rotationFileOption,
    {
      flags: '--account <id>',
      description: 'the account of the keys; default: the one of the rotation file, otherwise of the credentials',
    },
    { flags: '--region <name>', description: 'for confirm; default: AWS_REGION' },
    { flags: '--role <arn>', description: 'for confirm: as it takes it' },
    { flags: '--job-role <arn>', description: 'for confirm: as it takes it' },
  ],
  mutates: false,
  examples: [
    'npx keyturn policy pre-apply > pre-apply.json',
    'npx keyturn policy terraform pre-apply post-apply --account 111122223333',
    'npx keyturn policy reviewer --json',
    'npx keyturn policy adopt',
    'npx keyturn policy confirm --account 111122223333 --region eu-central-1',
  ],
  async run(context, options, args) {
    if (args.length === 1 && args[0] === 'adopt') return printAdoption(context, options);
    if (args.includes('confirm')) return forConfirm(context, options, args);
    const names = [...new Set(args.map(policyName))];
    const rotation = await readRotation(context, options, 'accept');
    const document = policyDocument(names, rotation, await accountOf(rotation, options, context));
    const size = JSON.stringify(document).length;
    if (size > LARGEST_POLICY) {
      context.terminal.warn(
        `${size} characters without white space, but IAM allows ${LARGEST_POLICY} per managed policy: attach one policy per name`,
      );
    }
    if (!flag(options, 'json')) context.terminal.data(JSON.stringify(document, null, 2));
    return { exitCode: EXIT.done, data: { rotation: rotation.name, for: names, policy: document } };
  },
};

/** Before there is a rotation file, nothing names keys and buckets. */
function printAdoption({ terminal }: CommandContext, options: OptionValues): CommandOutcome {
  if (!flag(options, 'json')) terminal.data(JSON.stringify(adoptionPolicy, null, 2));
  return { exitCode: EXIT.done, data: { rotation: null, for: ['adopt'], policy: adoptionPolicy } };
}

/** The policy of `confirm` is about a sandbox account and no rotation. */
function forConfirm({ terminal, env }: CommandContext, options: OptionValues, args: readonly string[]) {
  const account = text(options, 'account') ?? '';
  const region = text(options, 'region') ?? env.AWS_REGION ?? '';
  if (args.length > 1) throw usage('confirm has a policy of its own', 'print it alone: `npx keyturn policy confirm`');
  if (!/^\d{12}$/.test(account) || region === '')
    throw usage('confirm needs an account and a Region', 'pass --account 111122223333 --region eu-central-1');
  const policy = confirmPolicy(account, region, { role: text(options, 'role'), jobRole: text(options, 'jobRole') });
  if (!flag(options, 'json')) terminal.data(JSON.stringify(policy, null, 2));
  return { exitCode: EXIT.done, data: { rotation: null, for: args, policy } };
}

function policyName(given: string): PolicyName {
  const found = POLICY_NAMES.find((name) => name === given);
  if (found) return found;
  throw usage(`there is no policy for ${JSON.stringify(given)}`, `use one of ${POLICY_NAMES.join(', ')}`);
}

async function accountOf(
  rotation: Rotation,
  options: OptionValues,
  { env, signal }: Pick<CommandContext, 'env' | 'signal'>,
): Promise<string> {
  const given = text(options, 'account');
  if (given !== undefined && !/^\d{12}$/.test(given)) {
    throw usage(`--account accepts 12 digits, not ${JSON.stringify(given)}`, 'such as --account 111122223333');
  }
  if (given !== undefined && rotation.account !== undefined && given !== rotation.account) {
    throw usage(
      `--account ${given} contradicts account: ${rotation.account} in the rotation file`,
      'omit --account, or correct the file',
    );
  }
  const known = given ?? rotation.account;
  if (known !== undefined) return known;
  const clients = clientsFor(rotation, { env, signal });
  try {
    return (await confirmTarget(clients, rotation)).account;
  } finally {
    clients.destroy();
  }
}

const usage = (problem: string, hint: string): KeyturnError => new KeyturnError('usage', { problem, hint });
