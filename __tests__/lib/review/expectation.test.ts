import fc from 'fast-check';
import { differenceMessage, differences } from '../../../lib/review/expectation/difference';
import { duplicateMember } from '../../../lib/review/expectation/duplicate-member';
import type { ExpectedStacks, PlanFileFacts } from '../../../lib/review/expectation/expectation';
import { readPlanDocument } from '../../../lib/review/plan-document';
import { plain } from '../../../lib/review/review-messages';
import { AWS_PROVIDER_VERSION } from '../../../lib/rotation/provider-version';
import { SLOW } from '../../runner/slow';
import { rotation, version } from '../../stacks/synthesized';
import { expectedOf } from './edited-plans';
import { keyChange, planText, reviewWhole } from './plan-texts';

const BACKEND = { local: { path: '../../../terraform.test-keys.tfstate' } };
const STACK = JSON.stringify({
  terraform: { backend: BACKEND },
  resource: { aws_kms_external_key: { version_v1: {} } },
});
const EXPECTED: ExpectedStacks = { keys: STACK, storage: '{}' };
const lockOf = (name = 'registry.terraform.io/hashicorp/aws', version = AWS_PROVIDER_VERSION): string =>
  `provider "${name}" {\n  version     = "${version}"\n  constraints = "5.100.0"\n  hashes = [\n    "h1:x",\n  ]\n}\n`;

const planFile = (change: Partial<PlanFileFacts> = {}): PlanFileFacts => ({
  name: 'keys.tfplan',
  sha256: 'ab'.repeat(32),
  configuration: { 'cdk.tf.json': STACK },
  modules: [''],
  lock: lockOf(),
  backend: { type: 'local', workspace: 'default', settings: BACKEND.local },
  showsThePlan: true,
  ...change,
});

const PLAN = planText([keyChange()]);

interface Given {
  readonly stack?: string;
  readonly file?: PlanFileFacts | undefined;
  readonly expected?: ExpectedStacks | undefined;
  readonly lock?: string;
  readonly awsProvider?: string;
}

async function found({
  stack,
  file,
  expected,
  lock,
  awsProvider = AWS_PROVIDER_VERSION,
}: Given): Promise<readonly string[]> {
  const { findings } = await reviewWhole(
    '{"format_version":"1.2"}',
    {
      plans: [
        {
          plan: readPlanDocument(PLAN, 'keys.json'),
          stackText: stack === undefined ? undefined : { name: 'keys.cdk.tf.json', text: stack },
          planFile: file,
          lock,
        },
      ],
      expected,
    },
    { terraform: { awsProvider } },
  );
  return findings
    .filter(({ rule }) => /^KT06[123]$/.test(rule))
    .map(({ rule, message, address }) => `${rule} ${address === undefined ? '' : `${address}: `}${plain(message)}`);
}

describe('the stack of a plan', () => {
  it('is accepted where it is the expected one, whatever the order of its members', async () => {
    expect(await found({ file: planFile(), expected: EXPECTED })).toEqual([]);
    const { resource, terraform } = JSON.parse(STACK);
    const reordered = JSON.stringify({ resource, terraform }, null, 2);
    expect(await found({ stack: reordered, file: planFile(), expected: EXPECTED })).toEqual([]);
  });

  it.each([
    ['ephemeral', { ephemeral: { aws_x: { y: {} } } }, 'KT061 ephemeral is {"aws_x":{"y":{}}}, expected (absent)'],
    ['import', { import: [{ to: 'a.b', id: 'c' }] }, 'KT061 import is [{"to":"a.b","id":"c"}], expected (absent)'],
    ['removed', { removed: [{ from: 'a.b' }] }, 'KT061 removed is [{"from":"a.b"}], expected (absent)'],
    ['moved', { moved: [{ from: 'a.b', to: 'a.c' }] }, 'KT061 moved is [{"from":"a.b","to":"a.c"}], expected (absent)'],
    ['action', { action: { x: {} } }, 'KT061 action is {"x":{}}, expected (absent)'],
    ['check', { check: { x: {} } }, 'KT061 check is {"x":{}}, expected (absent)'],
    ['a block of a later Terraform', { later: 1 }, 'KT061 later is 1, expected (absent)'],
    ['an empty section', { locals: {} }, 'KT061 locals is {}, expected (absent)'],
    [
      'a data source',
      { data: { http: { x: { url: 'https://x' } } } },
      'KT061 data.http.x: data.http.x is {"url":"https://x"}, expected (absent)',
    ],
    [
      'another backend',
      { terraform: { backend: { local: { path: 'x' } } } },
      'KT061 terraform.backend.local.path is "x", expected "../../../terraform.test-keys.tfstate"',
    ],
    [
      'a provisioner',
      { resource: { aws_kms_external_key: { version_v1: { provisioner: [] } } } },
      'KT061 aws_kms_external_key.version_v1: resource.aws_kms_external_key.version_v1.provisioner is [], expected (absent)',
    ],
  ])('is refused with %s', async (_, more, expected) => {
    const text = JSON.stringify({ ...JSON.parse(STACK), ...more });
    expect(await found({ stack: text, file: planFile(), expected: EXPECTED })).toEqual([expected]);
    const configuration = { 'cdk.tf.json': text };
    expect(await found({ file: planFile({ configuration }), expected: EXPECTED })).toEqual([expected]);
  });

  it('is refused with a member that stands twice, because Terraform reads both', async () => {
    const text = STACK.replace('"resource":', '"resource":{"null_resource":{"x":{}}},"resource":');
    const [only, ...more] = await found({ stack: text, file: planFile(), expected: EXPECTED });
    expect([only, more]).toEqual([
      'KT061 keys.cdk.tf.json holds the member resource twice, of which Terraform may read both',
      [],
    ]);
  });

  it('is refused with a number that only JavaScript rounds to the expected one', async () => {
    const keys = JSON.stringify({ terraform: { backend: BACKEND }, days: 30 });
    const text = keys.replace('30', '30.00000000000000000001');
    const expected = { keys, storage: '{}' };
    const file = planFile({ configuration: { 'cdk.tf.json': keys } });
    expect(await found({ stack: text, file, expected })).toEqual([
      'KT061 keys.cdk.tf.json writes a number in another way',
    ]);
  });

  it('is refused where it is no JSON', async () => {
    expect(await found({ stack: 'resource "x" "y" {}', file: planFile(), expected: EXPECTED })).toEqual([
      'KT061 keys.cdk.tf.json is no JSON object',
    ]);
  });
});

describe('a stack file', () => {
  type Json = Record<string, unknown>;
  const objectsIn = (value: unknown): Json[] => {
    if (typeof value !== 'object' || value === null) return [];
    const below = Object.values(value).flatMap(objectsIn);
    return Array.isArray(value) ? below : [value as Json, ...below];
  };

  it(
    'is refused with any member added, changed or removed',
    () => {
      const { keys } = expectedOf(rotation({ keyVersions: [version('v1'), version('v2')] }));
      const edit = fc.record({ place: fc.nat(), pick: fc.nat(), how: fc.constantFrom('add', 'change', 'remove') });
      fc.assert(
        fc.property(edit, fc.string(), fc.jsonValue({ maxDepth: 2 }), ({ place, pick, how }, name, value) => {
          const stack = JSON.parse(keys) as Json;
          const objects = objectsIn(stack);
          const at = objects[place % objects.length] ?? stack;
          const present = Object.keys(at);
          const member = how === 'add' ? name : (present[pick % Math.max(1, present.length)] ?? name);
          const before = JSON.stringify(stack);
          if (how === 'remove') delete at[member];
          else Object.defineProperty(at, member, { value, enumerable: true, configurable: true, writable: true });
          fc.pre(JSON.stringify(stack) !== before);
          expect(differences(JSON.parse(keys), JSON.parse(JSON.stringify(stack)))).not.toEqual([]);
        }),
        { numRuns: SLOW ? 10_000 : 200 },
      );
    },
    SLOW ? 600_000 : 60_000,
  );
});

describe('a plan file', () => {
  it('is accepted with a provider that the rotation file admits, and refused with any other', async () => {
    const awsProvider = '>= 5.100.0, < 6.22.0';
    const of = (version: string) =>
      found({ file: planFile({ lock: lockOf(undefined, version) }), expected: EXPECTED, awsProvider });
    expect(await of('6.21.0')).toEqual([]);
    expect(await of('6.22.0')).toEqual([
      'KT062 keys.tfplan was made with provider registry.terraform.io/hashicorp/aws 6.22.0',
    ]);
  });

  it.each<[string, Partial<PlanFileFacts>, string]>([
    [
      'another file',
      { configuration: { 'cdk.tf.json': STACK, 'more.tf': '' } },
      'keys.tfplan was made with more.tf too',
    ],
    ['no stack', { configuration: {} }, 'keys.tfplan was made without cdk.tf.json'],
    ['a module', { modules: ['', 'x'] }, 'keys.tfplan was made with modules: , x'],
    ['no lock', { lock: undefined }, 'keys.tfplan was made without a provider lock'],
    [
      'another provider',
      { lock: lockOf() + lockOf('registry.terraform.io/hashicorp/external', '2.3.4') },
      'keys.tfplan was made with provider registry.terraform.io/hashicorp/external 2.3.4',
    ],
    [
      'another provider of that name',
      { lock: lockOf('registry.example.com/hashicorp/aws') },
      'keys.tfplan was made with provider registry.example.com/hashicorp/aws 5.100.0',
    ],
    [
      'another version',
      { lock: lockOf(undefined, '5.99.0') },
      'keys.tfplan was made with provider registry.terraform.io/hashicorp/aws 5.99.0',
    ],
    [
      'another workspace',
      { backend: { type: 'local', workspace: 'mine', settings: BACKEND.local } },
      'keys.tfplan was made in workspace mine, expected default',
    ],
    [
      'a backend from the command line',
      { backend: { type: 'local', workspace: 'default', settings: { path: 'mine.tfstate' } } },
      'the backend in keys.tfplan: path is "mine.tfstate", expected "../../../terraform.test-keys.tfstate"',
    ],
    [
      'a secret in its backend, which is not shown',
      { backend: { type: 'local', workspace: 'default', settings: { ...BACKEND.local, secret_key: 'hunter2' } } },
      'the backend in keys.tfplan: secret_key is "(hidden)", expected (absent)',
    ],
    [
      'another backend',
      { backend: { type: 's3', workspace: 'default', settings: {} } },
      'keys.tfplan was made with backend s3, expected local',
    ],
    ['other JSON beside it', { showsThePlan: false }, 'the JSON plan is not what Terraform shows of keys.tfplan'],
  ])('is refused with %s', async (_, change, expected) => {
    expect(await found({ file: planFile(change), expected: EXPECTED })).toContain(`KT062 ${expected}`);
  });

  it.each([
    ['behind a comment', (lock: string) => `${lock}/* */ provider "example.com/x/aws" {\n}\n`],
    ['without the space', (lock: string) => `${lock}provider"example.com/x/aws" {\n}\n`],
    ['on the next line', (lock: string) => `${lock}provider\n"example.com/x/aws" {}\n`],
    ['in a block', (lock: string) => lock.replace('{\n', '{ /*\n')],
    ['with its version twice', (lock: string) => lock.replace('  version', '  version = "9.9.9"\n  version')],
    ['with an argument of its own', (lock: string) => lock.replace('  version', '  source = "x"\n  version')],
    ['behind an odd line end', (lock: string) => lock.replaceAll('\n', '\r\n')],
    ['nowhere', () => '# This file is maintained automatically\n'],
  ])('is refused with a lock that hides its provider %s', async (_, change) => {
    const messages = await found({ file: planFile({ lock: change(lockOf()) }), expected: EXPECTED });
    expect(messages).toEqual(
      expect.arrayContaining([expect.stringMatching(/^KT062 .*(with provider|names no provider)/)]),
    );
  });

  it('is refused with another lock than the one beside it', async () => {
    const lock = lockOf().replace('h1:x', 'h1:y');
    expect(await found({ file: planFile(), lock, expected: EXPECTED })).toEqual([
      'KT062 keys.tfplan was made with another provider lock than the one beside it',
    ]);
  });
});

describe('a plan that is not compared', () => {
  it('is never clean, and the review reports what is missing', async () => {
    expect(await found({ stack: STACK, expected: EXPECTED })).toEqual([
      'KT063 keys.json was not compared with its plan file',
    ]);
    expect(await found({ file: planFile() })).toEqual([
      'KT063 keys.json was not compared with the stack that the rotation file implies',
    ]);
  });
});

describe('what differs', () => {
  it('is shown alone where a text is long', () => {
    const text = (action: string) => `${'a'.repeat(400)}${action}${'b'.repeat(400)}`;
    const [only] = differences({ policy: text('kms:Decrypt') }, { policy: text('kms:*') });
    const message = plain(differenceMessage(only ?? { path: [], expected: 0, found: 0 }));
    expect(message).toMatch(/^policy is …a+kms:\*b+…, expected …a+kms:Decryptb+…$/);
    expect(message.length).toBeLessThan(500);
  });

  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":{"b":1,"b":2}}', 'b'],
    ['[{"a":1},{"a":2,"\\u0061":3}]', 'a'],
    ['{"a":["a","a"],"b":"a\\",\\"a\\":"}', undefined],
    ['{"a":{"a":{"a":1}}}', undefined],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ])('a member twice is found in %s', (text, name) => expect(duplicateMember(text)).toBe(name));
});
