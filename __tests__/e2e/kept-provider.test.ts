import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { keepProvider as keepRehearsed } from '../../lib/terraform/kept-provider';
import { schemasOf } from '../../lib/terraform/schema-relay';
import { type KeptProvider, keepProvider } from '../support/kept-provider';
import { type Stage, stage } from './stacks-stage';

/** What the rehearsal and other end-to-end tests stand on: that Terraform with a provider that is kept alive is Terraform. */
jest.setTimeout(180_000);

const ROTATION = `name: payroll
region: ap-northeast-1
account: "123456789012"
alias: alias/payroll
keyVersions:
  - name: v1
activeVersion: v1
buckets:
  - name: payroll.data
    manage: bucket
reencrypt: { engine: batch, batch: { bucket: payroll-jobs } }
evidence: { bucket: { name: payroll-evidence, retention: { mode: COMPLIANCE, days: 400 } } }
`;

let on: Stage;
beforeEach(async () => {
  on = await stage();
});
afterEach(async () => on[Symbol.asyncDispose]());

it('plans what Terraform plans with a provider of its own, in tests and in the rehearsal', async () => {
  const { keys, storage } = await on.declare(ROTATION);
  const usual = await on.terraform();
  const failures: string[] = [];
  const provider = keepRehearsed(path.join(on.folder, 'provider'), (reason) => failures.push(reason));
  const rehearsed = await on.terraform(undefined, undefined, provider);
  await on.keepProvider();
  const kept = await on.terraform();
  await kept.apply(await kept.plan(keys));
  await on.importMaterial('alias/payroll/v1');
  const before = [...on.aws.requests].length;
  const expected = (await usual.plan(storage)).json;
  const between = [...on.aws.requests].length;
  const planned = (await kept.plan(storage)).json;
  const after = [...on.aws.requests].length;
  const inRehearsal = (await rehearsed.plan(storage)).json;
  await provider.close();
  expect(failures).toEqual([]);
  expect(expected).toContain('aws_s3_bucket_object_lock_configuration');
  expect(content(planned)).toEqual(content(expected));
  const operations = (from: number, to?: number) =>
    [...on.aws.requests].slice(from, to).map(({ service, operation }) => `${service} ${operation}`);
  expect(operations(between, after).sort()).toEqual(operations(before, between).sort());
  expect(content(inRehearsal)).toEqual(content(expected));
  expect(operations(after).sort()).toEqual(operations(before, between).sort());
});

it('fails when the provider is gone', async () => {
  const { keys } = await on.declare(ROTATION);
  const provider = await on.keepProvider();
  process.kill(pidOf(provider), 'SIGKILL');
  const terraform = await on.terraform();
  await expect(terraform.plan(keys)).rejects.toMatchObject({ code: 'terraform-failed' });
});

it('ends the provider, and fails when it is asked afterwards', async () => {
  const { keys } = await on.declare(ROTATION);
  const provider = await on.keepProvider();
  const pid = pidOf(provider);
  expect(process.kill(pid, 0)).toBe(true);
  await provider.close();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  const terraform = await on.terraform();
  await expect(terraform.plan(keys)).rejects.toThrow('ENOENT');
});

it('fails when no provider is found', async () => {
  const configured = process.env.TF_CLI_CONFIG_FILE;
  const file = path.join(on.folder, 'empty-mirror.tfrc');
  writeFileSync(file, `provider_installation {\n  filesystem_mirror {\n    path = "${on.folder}"\n  }\n}\n`);
  process.env.TF_CLI_CONFIG_FILE = file;
  const kept = keepProvider(on.aws);
  await expect(kept).rejects.toThrow('there is no AWS provider');
  process.env.TF_CLI_CONFIG_FILE = configured;
});

describe('the schemas of a provider', () => {
  const field = (number: number, body: Buffer) => Buffer.concat([Buffer.from([(number << 3) | 2, body.length]), body]);
  const entry = (name: string) => Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from('a schema'))]);
  const provider = field(1, Buffer.from('of the provider itself'));

  it('are those of the named kinds, and what is no kind', () => {
    const all = [provider, field(2, entry('aws_kms_alias')), field(2, entry('aws_vpc')), field(3, entry('aws_region'))];
    const kept = schemasOf(Buffer.concat(all), new Set(['aws_kms_alias', 'aws_region']));
    expect(kept).toEqual(Buffer.concat([all[0], all[1], all[3]].flatMap((one) => one ?? [])));
  });

  it.each([
    ['another form', Buffer.from([8, 1])],
    ['fewer bytes than it says', provider.subarray(0, -1)],
  ])('refuses an answer of %s', (_, message) => {
    expect(() => schemasOf(message, new Set())).toThrow('no schemas');
  });
});

function pidOf({ terraform }: KeptProvider): number {
  const directory = path.dirname(terraform);
  const [attachment = ''] = readdirSync(directory).filter((name) => name.endsWith('.json'));
  const text = readFileSync(path.join(directory, attachment), 'utf8');
  return Number(/"Pid":(\d+)/.exec(text)?.[1]);
}

/** All of a plan but its time. Terraform lists the attributes that it looked at in no order. */
function content(json = '{}'): object {
  const { timestamp: _, relevant_attributes: attributes, ...rest } = JSON.parse(json);
  return { ...rest, attributes: attributes.map((one: object) => JSON.stringify(one)).sort() };
}
