import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { VERSION_CLASSES } from '../../../lib/reencrypt/version-classes';
import { versionClassesTable } from '../../../lib/reencrypt/version-classes-table';

const PAGE = path.resolve(__dirname, '../../../docs/rewrap-or-rewrite.md');
const [BEGIN, END] = ['<!-- kinds:begin -->', '<!-- kinds:end -->'];

/** `KEYTURN_WRITE_DOCS=1 npx jest version-classes-table` writes the page's table again. */
it('equals the table of the documentation, row for row', () => {
  const page = readFileSync(PAGE, 'utf8');
  const [before = '', rest = ''] = page.split(BEGIN);
  const after = rest.split(END)[1] ?? '';
  const expected = `${before}${BEGIN}\n${versionClassesTable()}\n${END}${after}`;
  if (process.env.KEYTURN_WRITE_DOCS) writeFileSync(PAGE, expected);
  expect(readFileSync(PAGE, 'utf8')).toBe(expected);
});

it('has a row for every kind', () => {
  expect(versionClassesTable().split('\n')).toHaveLength(VERSION_CLASSES.length + 2);
});
