import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Desk } from './fixture';

test('the README names every operation that is served, and no other', () => {
  const readme = readFileSync(path.join(__dirname, '../../../local-aws/s3/README.md'), 'utf8');
  const table = readme.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| group'));
  const named = table.flatMap((line) => line.match(/\b[A-Z][a-z]+[A-Z]\w+/g) ?? []);
  expect(named.sort()).toEqual([...new Desk().s3.operations]);
});
