import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FIELD_CLASSES, fieldClassesTable } from '../../../lib/review/file-changes/field-classes';
import { fileChanges } from '../../../lib/review/file-changes/file-changes';
import { plain } from '../../../lib/review/review-messages';
import { rotationJsonSchema } from '../../../lib/rotation/json-schema';
import { parse, textWith } from '../rotation/rotation-texts';
import { keyChange, planText, reviewText } from './plan-texts';

type Fields = Record<string, unknown>;
const AGE = 'age136egyx48wwqcvkr4r7vez9h4cfv7hfrlcly0ujls8j3dp397j9tqpfz35g';
const ROLE = 'arn:aws:iam::111122223333:role/x';
const ADOPTED = 'arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555';
const WAIVER = { rule: 'KT032', reason: 'decided by the owner', until: '2026-12-31' };

const changed = async (before: Fields, after: Fields, rollbackTo?: string) => {
  const [base, head] = [await parse(textWith(before)), await parse(textWith(after))];
  return fileChanges(base, head, rollbackTo).map(
    (one) => `${one.verdict} ${plain(one.message).replace(/\. [A-Z].*/, '')}`,
  );
};

/** The fields that the JSON schema has, as the table names them. */
function fieldsOf(schema: Fields, at = ''): readonly string[] {
  const properties = schema.properties as Record<string, Fields> | undefined;
  const items = schema.items as Fields | undefined;
  if (properties)
    return Object.entries(properties).flatMap(([name, one]) => fieldsOf(one, at === '' ? name : `${at}.${name}`));
  return items?.properties ? fieldsOf(items, `${at}[]`) : [at];
}

describe('the classes of fields', () => {
  it('name every field of the rotation file, and no other', () => {
    // A waiver is classified as a whole.
    const fields = fieldsOf(rotationJsonSchema()).map((one) => one.replace(/(\.waivers)\[\]\..*/, '$1'));
    const classed = new Set(
      FIELD_CLASSES.map(({ field }) => field).filter((one) => !one.endsWith('[]') && !one.startsWith('binding[]')),
    );
    expect([...classed].sort()).toEqual([...new Set(fields)].sort());
  });

  it('are the table of docs/plan-review.md', () => {
    const page = readFileSync(path.join(__dirname, '../../../docs/plan-review.md'), 'utf8');
    expect(page.split('<!-- fields:begin -->\n')[1]?.split('<!-- fields:end -->')[0]).toBe(fieldClassesTable());
  });
});

describe('a change of the rotation file', () => {
  const v = (...names: readonly string[]) => ({ keyVersions: names.map((name) => ({ name })) });

  it.each<[Fields, Fields, readonly string[]]>([
    [{}, {}, []],
    [{}, { deletionWindowDays: 30, keyPolicy: {} }, []],
    [v('v1'), v('v1', 'v2'), ['free keyVersions[v2]: {"name":"v2","disabled":false} is added']],
    [{ ...v('v1', 'v2') }, { ...v('v1', 'v2'), activeVersion: 'v2' }, ['free activeVersion: v1 → v2']],
    [{ ...v('v1', 'v2'), activeVersion: 'v2' }, v('v1', 'v2'), ['decide activeVersion: v2 → v1']],
    [
      v('v1'),
      { keyVersions: [{ name: 'v1' }, { name: 'old', keyArn: ADOPTED }] },
      [`decide keyVersions[old]: {"name":"old","keyArn":"${ADOPTED}","disabled":false} is added`],
    ],
    [
      v('v1'),
      { keyVersions: [{ name: 'v1' }, { name: 'v2', custodyWaiver: 'the safe is open' }] },
      ['decide keyVersions[v2]: {"name":"v2","disabled":false,"custodyWaiver":"the safe is open"} is added'],
    ],
    [v('v1', 'v2'), v('v1'), ['refused keyVersions[v2]: {"name":"v2","disabled":false} is removed']],
    [v('v1', 'v2'), { ...v('v2', 'v1') }, ['refused keyVersions: ["v1","v2"] → ["v2","v1"]']],
    [
      v('v1', 'v2'),
      v('v1', 'v3', 'v2'),
      [
        'free keyVersions[v3]: {"name":"v3","disabled":false} is added',
        'refused keyVersions: ["v1","v2"] → ["v1","v3","v2"]',
      ],
    ],
    [{}, { name: 'other' }, ['refused name: test → other']],
    [{}, { region: 'eu-west-1' }, ['refused region: ap-northeast-1 → eu-west-1']],
    [{}, { alias: 'alias/other' }, ['decide alias: alias/test → alias/other']],
    [{}, { account: '111122223333' }, ['decide account: (unset) → 111122223333']],
    [{}, { tags: { team: 'x' } }, ['free tags: {} → {"team":"x"}']],
    [{}, { keyPolicy: { users: [ROLE] } }, [`decide keyPolicy.users: ${ROLE} is added`]],
    [{ keyPolicy: { users: [ROLE] } }, {}, [`decide keyPolicy.users: ${ROLE} is removed`]],
    [
      {},
      { custody: { age: { recipients: [AGE] } } },
      [`decide custody.age.recipients: ${AGE} is added`, 'decide custody.age.directory: (unset) → custody'],
    ],
    [
      { custody: { command: { run: ['./a'] } } },
      { custody: { command: { run: ['./b'] } } },
      ['decide custody.command.run: b is added', 'decide custody.command.run: a is removed'],
    ],
    [
      { custody: { command: { run: ['./a', 'x', 'y'] } } },
      { custody: { command: { run: ['./a', 'y', 'x'] } } },
      ['decide custody.command.run: ["a","x","y"] → ["a","y","x"]'],
    ],
    [{}, { retire: { verifyOnlyBuckets: ['more'] } }, ['free retire.verifyOnlyBuckets: more is added']],
    [{ retire: { verifyOnlyBuckets: ['less'] } }, {}, ['decide retire.verifyOnlyBuckets: less is removed']],
    [{}, { deletionWindowDays: 7 }, ['decide deletionWindowDays: 30 → 7']],
    [{ deletionWindowDays: 7 }, {}, ['free deletionWindowDays: 7 → 30']],
    [{}, { rotateEveryDays: 90 }, ['decide rotateEveryDays: (unset) → 90']],
    [{}, { review: { waivers: [WAIVER] } }, [`decide review.waivers: ${JSON.stringify(WAIVER)} is added`]],
    [
      {},
      { terraform: { backend: 's3', s3: { bucket: 'states' } } },
      [
        'decide terraform.backend: local → s3',
        'decide terraform.s3.bucket: (unset) → states',
        'decide terraform.s3.region: (unset) → ap-northeast-1',
        'decide terraform.s3.prefix: (unset) → keyturn/',
      ],
    ],
  ])('from %j to %j is classified', async (before, after, expected) => {
    expect(await changed(before, after)).toEqual(expected);
  });

  it('back to an earlier version is free where it is a declared rollback', async () => {
    const both = v('v1', 'v2');
    expect(await changed({ ...both, activeVersion: 'v2' }, both, 'v1')).toEqual(['free activeVersion: v2 → v1']);
  });

  it('is part of the verdict, and is shown whether or not it is a finding', async () => {
    const base = await parse(textWith({ alias: 'alias/before', tags: { a: 'b' } }));
    const review = await reviewText(planText([keyChange()]), { base });
    expect([review.verdict, review.findings.map(({ rule }) => rule)]).toEqual(['decide', ['KT080']]);
    expect(review.fileChanges?.map(({ verdict }) => verdict)).toEqual(['decide', 'free']);
    const other = await reviewText(planText([keyChange()]), { base: await parse(textWith({ region: 'eu-west-1' })) });
    expect([other.verdict, other.findings.map(({ rule }) => rule)]).toEqual(['refused', ['KT081']]);
  });

  it('does not waive what it brings itself, but what the base waived stays waived', async () => {
    const waiver = { rule: 'KT080', reason: 'decided by the owner', until: '2026-12-31' };
    const head = { review: { waivers: [waiver] }, rotateEveryDays: 90 };
    const inChange = await reviewText(planText([keyChange()]), { base: await parse(textWith()) }, head);
    expect(inChange.findings.map(({ rule }) => rule)).toEqual(['KT080', 'KT080', 'KT090']);
    const before = await parse(textWith({ review: { waivers: [waiver] } }));
    const later = await reviewText(planText([keyChange()]), { base: before }, head);
    expect([later.findings, later.waived.length]).toEqual([[], 1]);
  });

  it('that waives for more than a year waives nothing', async () => {
    const far = { rule: 'KT070', reason: 'some day, perhaps', until: '2028-01-01' };
    const review = await reviewText(planText([keyChange()]), {}, { review: { waivers: [far] } });
    expect(review.findings.map(({ rule }) => rule)).toEqual(['KT090']);
  });
});
