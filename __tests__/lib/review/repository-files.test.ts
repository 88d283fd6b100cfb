import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FILE_CLASSES, FILE_KINDS, fileClassesTable } from '../../../lib/review/file-changes/file-kinds';
import { classifiedFiles, type RepositoryFile } from '../../../lib/review/file-changes/repository-files';
import { reviewJson } from '../../../lib/review/review-json';
import { reviewMarkdown } from '../../../lib/review/review-markdown';
import { plain } from '../../../lib/review/review-messages';
import type { Rotation } from '../../../lib/rotation/rotation';
import { boundVersion } from '../../e2e/recorded-keys';
import { parse, textWith } from '../rotation/rotation-texts';
import { keyChange, planText, reviewText } from './plan-texts';

const ARN = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555';
const RECORD = 'c'.repeat(64);
const file = (name: string, more: Partial<RepositoryFile> = {}): RepositoryFile => ({
  path: name,
  kind: 'added',
  form: 'file',
  sha256: undefined,
  holds: undefined,
  ...more,
});

let rotation: Rotation;
beforeAll(async () => {
  const parsed = await parse(textWith({ custody: { command: { run: ['./seal', 'x'], directory: 'custody' } } }));
  rotation = { ...parsed, binding: [{ ...boundVersion('v1', ARN), custodyRecordSha256: RECORD }] };
});

const classed = (one: RepositoryFile) =>
  classifiedFiles([one], rotation, rotation).map(({ kind, verdict }) => `${verdict} ${kind}`);

describe('a file of the change', () => {
  const record = 'custody/test-v1.record.json';

  it.each<[string, string, Partial<RepositoryFile>]>([
    ['free other', 'docs/notes.md', {}],
    ['free other', 'logo.png', { kind: 'removed' }],
    ['refused secret', 'docs/notes.md', { holds: 'secret' }],
    ['refused secret', 'rotation.yaml', { holds: 'secret', kind: 'changed' }],
    ['decide secret', 'keyturn-identity.txt', { holds: 'secret', kind: 'removed' }],
    ['refused working', '.keyturn/evidence/x.ndjson', {}],
    ['refused working', 'photos/.Keyturn/evidence/x.ndjson', {}],
    ['refused working', '.keyturn', { form: 'link' }],
    ['refused working', 'cdktf.out', { form: 'submodule' }],
    ['refused working', 'cdktf.out/stacks/test-keys/terraform.d/plugins/x', { form: 'program' }],
    ['refused working', '../other/.terraform/providers/x', { kind: 'changed' }],
    ['refused working', 'terraform.test-keys.tfstate', { kind: 'changed' }],
    ['refused working', 'keyturn-plan/storage.tfplan', {}],
    ['refused working', 'custodian/test-v2.pending.json', {}],
    ['free working', 'cdktf.out/manifest.json', { kind: 'removed' }],
    ['refused linked', 'rotation.yaml', { form: 'link', kind: 'changed' }],
    ['refused linked', 'rotation.lock.json', { form: 'link' }],
    ['refused linked', 'custody', { form: 'link' }],
    ['refused linked', 'custody/test-v1.age', { form: 'link' }],
    ['free custody', record, { sha256: RECORD }],
    ['decide custody', record, { sha256: RECORD, kind: 'changed' }],
    ['decide custody', record, { sha256: 'd'.repeat(64) }],
    ['refused custody', record, { sha256: 'd'.repeat(64), kind: 'changed' }],
    ['refused custody', record, { kind: 'removed' }],
    ['decide custody', 'custody/test-v2.age', {}],
    ['refused custody', 'custody/test-v1.age', { kind: 'changed' }],
    ['decide evidence', 'evidence/x.ndjson', {}],
    ['decide evidence', 'evidence/x.dsse.json', { kind: 'removed' }],
    ['decide named', 'seal', { kind: 'changed' }],
    ['decide rotation', 'photos/rotation.yml', { holds: 'rotation' }],
    ['decide rotation', 'other.lock.json', {}],
    ['decide terraform', '.terraform.lock.hcl', {}],
    ['decide terraform', 'override.tf.json', {}],
    ['decide terraform', 'x.auto.tfvars', {}],
    ['decide pipeline', '.github/workflows/keyturn.yml', {}],
    ['decide pipeline', '../CODEOWNERS', { kind: 'removed' }],
    ['decide program', 'main.ts', { kind: 'changed' }],
    ['decide program', 'cdktf.json', { kind: 'changed' }],
    ['decide program', '../package-lock.json', { kind: 'changed' }],
    ['decide program', 'stacks/keys-stack.ts', { kind: 'removed' }],
    ['decide program', 'bin/tool', { form: 'program' }],
    ['decide program', '.env.local', {}],
    ['decide link', 'docs/link.md', { form: 'link' }],
  ])('is %s: %s %j', (expected, name, more) => {
    expect(classed(file(name, more))).toEqual([expected]);
  });

  it('is classified by its fields where it is the rotation file or its binding', () => {
    expect(['rotation.yaml', 'rotation.lock.json'].flatMap((name) => classed(file(name)))).toEqual([]);
    expect(classed(file('photos/rotation.yaml'))).toEqual(['free other']);
  });

  it('is of a kind that the table of docs/plan-review.md has', () => {
    const page = readFileSync(path.join(__dirname, '../../../docs/plan-review.md'), 'utf8');
    expect(page.split('<!-- files:begin -->\n')[1]?.split('<!-- files:end -->')[0]).toBe(fileClassesTable());
    expect([...new Set(FILE_CLASSES.map(({ kind }) => kind))].sort()).toEqual(Object.keys(FILE_KINDS).sort());
  });
});

describe('the files of the change in a review', () => {
  const review = async (...files: readonly RepositoryFile[]) => {
    const base = await parse(textWith({}));
    return reviewText(planText([keyChange()]), { base, repositoryFiles: files });
  };

  it('refuse it, one by one, with the file as the address of the finding', async () => {
    const found = await review(file('.keyturn/evidence/forged.ndjson'), file('main.ts', { kind: 'changed' }));
    expect(found.verdict).toBe('refused');
    expect(found.findings.map((one) => [one.rule, one.address, plain(one.message)])).toEqual([
      ['KT084', '.keyturn/evidence/forged.ndjson', expect.stringContaining('is added. Each machine makes its own')],
      [
        'KT082',
        undefined,
        expect.stringContaining('a program, its settings or its dependencies. changed: main.ts. It may run'),
      ],
    ]);
  });

  it('can be waived where custody is meant to change, by its path, and never where a file is secret or a working file', async () => {
    const base = await parse(textWith({}));
    const until = '2026-12-31';
    const waivers = ['KT083', 'KT084'].map((rule) => ({ rule, reason: 'moved to the safe', until }));
    const files = [
      file('custody/test-v1.age', { kind: 'removed' }),
      file('identity.txt', { holds: 'secret' }),
      file('cdktf.out/x'),
    ];
    const input = { base: { ...base, review: { waivers } }, repositoryFiles: files };
    const age = { custody: { age: { recipients: [], directory: 'custody' } } };
    const found = await reviewText(planText([keyChange()]), input, { review: { waivers }, ...age });
    expect(found.waived.map(({ address }) => address)).toEqual(['custody/test-v1.age']);
    expect(found.findings.filter(({ rule }) => rule === 'KT084').map(({ address }) => address)).toEqual([
      'identity.txt',
      'cdktf.out/x',
    ]);
    expect(found.verdict).toBe('refused');
  });

  it('are named once a kind where somebody decides, and leave it clean where Keyturn does not read them', async () => {
    const many = await review(
      ...Array.from({ length: 12 }, (_, at) => file(`s${at}.ts`)),
      file('gone.sh', { kind: 'removed' }),
    );
    expect([many.verdict, many.findings.length]).toEqual(['decide', 1]);
    expect(reviewMarkdown(many)).toMatch(/added: `s0.ts`, .*`s9.ts` and 2 more; removed: `gone.sh`\. It may run/);
    const clean = await review(file('<b>.md'));
    expect(clean.verdict).toBe('clean');
    expect(reviewMarkdown(clean)).toContain('- free: `<b>.md`');
    expect(JSON.parse(reviewJson(clean)).otherFiles).toEqual([
      { path: '<b>.md', change: 'added', kind: 'other', verdict: 'free', why: 'Keyturn does not read it.' },
    ]);
  });

  it('are reported as not compared without revisions', async () => {
    expect(reviewMarkdown(await reviewText(planText([keyChange()])))).toContain('*not compared:* the other files');
    expect(reviewMarkdown(await review())).toContain('### Other files of the change\n\n- there are none');
  });
});
