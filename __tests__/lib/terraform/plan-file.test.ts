import fc from 'fast-check';
import { KeyturnError } from '../../../lib/errors';
import { readPlanFile } from '../../../lib/terraform/plan-file';
import { PLAN_FILE, PLANNED_STACK, tfplanOf, zipOf } from './plan-file-bytes';

const read = (bytes: Buffer) => readPlanFile(bytes, 'keys.tfplan');
const ROOT = '[{"Key":"","Dir":"."}]';
const ENTRIES = [
  ['tfplan', tfplanOf('s3', { bucket: 'states', encrypt: true, access_key: null })],
  ['tfstate', '{}'],
  ['tfconfig/m-/cdk.tf.json', '{}'],
  ['tfconfig/modules.json', ROOT],
  ['.terraform.lock.hcl', 'lock'],
] as const;

const modules = (text: string): Buffer =>
  zipOf(ENTRIES.map(([name, content]) => [name, name === 'tfconfig/modules.json' ? text : content] as const));

/** Another name in the local header than in the directory. */
function renamed(from: string, to: string): Buffer {
  const bytes = zipOf(ENTRIES);
  bytes.write(to, bytes.indexOf(from), 'latin1');
  return bytes;
}

describe('a plan file', () => {
  it('of Terraform gives its configuration, its lock and its backend', async () => {
    expect(await read(PLAN_FILE)).toMatchObject({
      configuration: { 'cdk.tf.json': PLANNED_STACK },
      modules: [''],
      lock: expect.stringContaining('maintained automatically'),
      backend: { type: 'local', workspace: 'default', settings: { path: '../x.tfstate' } },
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('gives what the command line set of the backend, and every file of every module', async () => {
    const files = [
      ['tfconfig/m-/main.tf', 'x'],
      ['tfconfig/m-a/main.tf', 'y'],
    ] as const;
    const found = await read(zipOf([...ENTRIES, ...files]));
    expect(found.backend).toEqual({ type: 's3', workspace: 'default', settings: { bucket: 'states', encrypt: true } });
    expect(Object.keys(found.configuration)).toEqual(['cdk.tf.json', 'main.tf', 'a/main.tf']);
  });

  it.each([
    [
      'an entry twice',
      zipOf([...ENTRIES, ['tfconfig/m-/cdk.tf.json', '{"x":1}']]),
      'it holds tfconfig/m-/cdk.tf.json twice',
    ],
    [
      'something after its entries',
      Buffer.concat([zipOf(ENTRIES), Buffer.from('x')]),
      'something stands after its end record',
    ],
    ['something before its entries', Buffer.concat([Buffer.from('x'), zipOf(ENTRIES)]), 'its directory is not where'],
    ['an entry of somebody else', zipOf([...ENTRIES, ['tfconfig/main.tf', 'x']]), 'holds tfconfig/main.tf, which'],
    ['an entry beside them', zipOf([...ENTRIES, ['terraform.tfvars', 'x']]), 'holds terraform.tfvars, which'],
    ['an entry that climbs out', zipOf([...ENTRIES, ['tfconfig/m-/../../x', 'x']]), 'invalid relative path'],
    ['an absolute entry', zipOf([...ENTRIES, ['/etc/x', 'x']]), 'absolute path'],
    [
      'another name before its content',
      renamed('tfconfig/m-/cdk.tf.json', 'tfconfig/m-/cdk.tf.jsom'),
      'stands otherwise',
    ],
    ['bytes between its entries', zipOf(ENTRIES, Buffer.from('PK')), 'something stands before its entry'],
    ['modules that Go reads otherwise', modules('[{"Key":"","Dir":".","key":"x"}]'), 'another thing than modules'],
    ['a module without a name', modules('[{"Dir":"."}]'), 'another thing than modules'],
    ['a module that is none', modules('[null]'), 'another thing than modules'],
    ['no list of modules', modules('{}'), 'is no list'],
    ['no plan', zipOf(ENTRIES.slice(1)), 'it has no tfplan'],
    ['no backend', zipOf([['tfplan', Buffer.from([8, 3])], ...ENTRIES.slice(1)]), 'it names no backend'],
    ['nothing', Buffer.from('PK\u0003\u0004', 'latin1'), 'something stands after its end record'],
  ])('is refused with %s', async (_, bytes, reason) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code: 'review-plan-unreadable',
      message: expect.stringContaining(reason),
    });
  });

  it('is refused when the content of an entry does not match its checksum', async () => {
    const bytes = zipOf(ENTRIES);
    // The checksum of the first entry of the directory.
    const directory = bytes.readUInt32LE(bytes.length - 6);
    bytes[directory + 16] = (bytes[directory + 16] ?? 0) ^ 1;
    await expect(read(bytes)).rejects.toMatchObject({
      message: expect.stringContaining('does not match its checksum'),
    });
  });

  it('with any byte changed is refused, or gives no other stack and no other backend', async () => {
    const whole = await read(PLAN_FILE);
    const flips = fc.tuple(fc.nat(PLAN_FILE.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(flips, async ([at, mask]) => {
        const bytes = Buffer.from(PLAN_FILE);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        const found = await read(bytes).catch((error: unknown) => {
          if (error instanceof KeyturnError) return undefined;
          throw error;
        });
        if (found === undefined) return;
        // A changed name leaves its entry unread; the review then says that the stack is not in it.
        expect(found.configuration['cdk.tf.json'] ?? PLANNED_STACK).toBe(PLANNED_STACK);
        expect(found.backend).toEqual(whole.backend);
      }),
    );
  });
});
