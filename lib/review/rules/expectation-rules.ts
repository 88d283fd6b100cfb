import { admitsProvider } from '../../rotation/provider-version';
import { configurationDifferences } from '../expectation/configuration';
import { addressOf, type Difference, differenceMessage, differences, parsedObject } from '../expectation/difference';
import { duplicateMember, numbersIn } from '../expectation/duplicate-member';
import { declaredBackend, lockedProviders, type NamedText, type PlanFileFacts } from '../expectation/expectation';
import { type Words, words } from '../review-messages';
import type { ReviewRule, RuleContext, Sighting } from '../review-rule';

/** More are counted, not listed. */
const MOST_DIFFERENCES = 60;

const stackDiffers: ReviewRule = {
  id: 'KT061',
  title: 'the stack is not what the rotation file implies',
  severity: 'error',
  why: 'People review the rotation file. Whatever else somebody wrote into the stack runs with the permissions of the apply.',
  next: 'Synthesize the stack again from this rotation file, with the same version of Keyturn. For stacks in a program of your own, pass --trusted with a checkout of its base branch.',
  waivable: false,
  look: (context) => {
    const { expected, stackText, planFile, plan } = context;
    if (expected === undefined) return unclear(context);
    const files = [stackText, planFile && rootFile(planFile)].filter((one) => one !== undefined);
    const found = files.flatMap((file) => stackFaults(expected, file));
    if (found.length > 0) return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
    const stack = parsedObject(expected);
    if (plan.form === 'redacted' || plan.providers.length === 0 || stack === undefined) return [];
    return sightings(differencesOrNone(plan.body.configuration, stack), 'the configuration in the plan');
  },
};

function unclear({ hasExpectation, stack }: RuleContext): readonly Sighting[] {
  if (!hasExpectation) return [];
  return [
    { message: words`the plan is of ${stack === 'both' ? 'both stacks' : 'neither stack'}, so it has no expectation` },
  ];
}

const STACK_FILE = 'cdk.tf.json';

function rootFile({ configuration, name }: PlanFileFacts): NamedText | undefined {
  const text = configuration[STACK_FILE];
  return text === undefined ? undefined : { name: `${STACK_FILE} in ${name}`, text };
}

function stackFaults(expected: string, { name, text }: NamedText): readonly Sighting[] {
  if (text === expected) return [];
  const found = parsedObject(text);
  if (found === undefined) return [{ message: words`${name} is no JSON object` }];
  const twice = duplicateMember(text);
  if (twice !== undefined)
    return [{ message: words`${name} holds the member ${twice} twice, of which Terraform may read both` }];
  const all = differences(parsedObject(expected), found);
  const rounded = all.length === 0 && numbersIn(text).join() !== numbersIn(expected).join();
  return rounded ? [{ message: words`${name} writes a number in another way` }] : sightings(all, undefined);
}

function sightings(found: readonly Difference[], where: string | undefined): readonly Sighting[] {
  const shown = found.slice(0, MOST_DIFFERENCES).map((one): Sighting => {
    const address = addressOf(one.path);
    return {
      ...(address === undefined ? {} : { address }),
      message: [...(where === undefined ? [] : [`${where}: `]), ...differenceMessage(one)],
    };
  });
  const left = found.length - shown.length;
  return left > 0 ? [...shown, { message: words`${left} more differences` }] : shown;
}

/** A hostile configuration may nest deeper than the stack of this process. */
function differencesOrNone(configuration: unknown, stack: NonNullable<ReturnType<typeof parsedObject>>) {
  try {
    return configurationDifferences(configuration as typeof stack, stack);
  } catch {
    return [{ path: [], expected: stack, found: 'nested too deeply' }];
  }
}

const planFileDiffers: ReviewRule = {
  id: 'KT062',
  title: 'the plan file was not made from the expected stack',
  severity: 'error',
  why: 'Terraform applies what stands in the plan file: its configuration, its provider, its backend. JSON beside it proves nothing about it.',
  next: 'Plan again from this rotation file, without -backend-config, in the workspace default.',
  waivable: false,
  look: ({ planFile, expected, expectedLock, rotation }) => {
    if (planFile === undefined) return [];
    const messages = [
      ...configurationFaults(planFile),
      ...lockFaults(planFile, expectedLock, rotation.terraform.awsProvider),
      ...backendFaults(planFile, expected),
      ...(planFile.showsThePlan ? [] : [words`the JSON plan is not what Terraform shows of ${planFile.name}`]),
    ];
    return messages.map((message) => ({ message }));
  },
};

function configurationFaults({ configuration, modules, name }: PlanFileFacts): readonly Words[] {
  const foreign = Object.keys(configuration).filter((file) => file !== STACK_FILE);
  return [
    ...(configuration[STACK_FILE] === undefined ? [words`${name} was made without ${STACK_FILE}`] : []),
    ...foreign.map((file) => words`${name} was made with ${file} too`),
    ...(modules.length === 1 && modules[0] === '' ? [] : [words`${name} was made with modules: ${modules.join(', ')}`]),
  ];
}

const PROVIDER = /^registry\.(terraform\.io|opentofu\.org)\/hashicorp\/aws$/;

function lockFaults({ lock, name }: PlanFileFacts, expected: string | undefined, constraint: string): readonly Words[] {
  if (lock === undefined) return [words`${name} was made without a provider lock`];
  const locked = lockedProviders(lock);
  if (locked.length === 0) return [words`the provider lock of ${name} names no provider`];
  const strange = locked.filter((one) => !PROVIDER.test(one.name) || !admitsProvider(constraint, one.version));
  const found = strange.map((one) => words`${name} was made with provider ${one.name} ${one.version}`);
  if (found.length > 0 || expected === undefined || expected === lock) return found;
  return [words`${name} was made with another provider lock than the one beside it`];
}

/** Settings whose values are secrets. */
const HIDDEN = /^(access_key|secret_key|token|sse_customer_key)$/;

function backendFaults({ backend, name }: PlanFileFacts, expected: string | undefined): readonly Words[] {
  const stack = expected === undefined ? undefined : parsedObject(expected);
  if (stack === undefined) return [];
  const declared = declaredBackend(stack);
  if (backend.type !== declared.type)
    return [words`${name} was made with backend ${backend.type}, expected ${declared.type}`];
  const workspace =
    backend.workspace === 'default'
      ? []
      : [words`${name} was made in workspace ${backend.workspace}, expected default`];
  return [
    ...workspace,
    ...differences(declared.settings, backend.settings).map((one) => {
      const hidden = one.path.some((step) => HIDDEN.test(step));
      return [...words`the backend in ${name}: `, ...differenceMessage(hidden ? { ...one, found: '(hidden)' } : one)];
    }),
  ];
}

const notCompared: ReviewRule = {
  id: 'KT063',
  title: 'the plan was not compared with what it was made from',
  severity: 'warning',
  why: 'A JSON plan does not show everything that an apply does, and anybody can edit it.',
  next: 'Review the plan file itself, or leave it beside its JSON under the same name (keys.tfplan, keys.json). Run terraform init in its folder first, or keyturn plan, which does all of it.',
  waivable: false,
  look: ({ planFile, hasExpectation, notCompared, plan }) => [
    ...(planFile === undefined
      ? [
          {
            message: [
              ...words`${plan.name} was not compared with its plan file`,
              ...(notCompared === undefined ? [] : words`: ${notCompared}`),
            ],
          },
        ]
      : []),
    ...(hasExpectation
      ? []
      : [{ message: words`${plan.name} was not compared with the stack that the rotation file implies` }]),
  ],
};

export const expectationRules: readonly ReviewRule[] = [stackDiffers, planFileDiffers, notCompared];
