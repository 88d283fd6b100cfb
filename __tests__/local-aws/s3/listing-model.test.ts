import fc from 'fast-check';
import { runs } from '../../runner/slow';
import { Desk, type Told, type XmlTree } from './fixture';

/** Few letters, so that prefixes, delimiters and repeats happen. */
const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', '\u{1f511}'), minLength: 1, maxLength: 5 });
const write = fc.record({ key, remove: fc.boolean() });
const question = fc.record({
  prefix: fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 2 }),
  delimiter: fc.constantFrom('', '/', 'a'),
  size: fc.integer({ min: 1, max: 5 }),
});

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const leafOf = (tree: XmlTree | undefined, name: string): string => String(tree?.[name] ?? '');
const rows = (tree: XmlTree | undefined, name: string): readonly XmlTree[] => {
  const found: unknown = tree?.[name];
  return Array.isArray(found) ? found : [];
};

interface Asked {
  readonly prefix: string;
  readonly delimiter: string;
  readonly size: number;
}

/** Rolls names up as the S3 user guide says: up to and with the first delimiter after the prefix. */
function rolledUp(names: readonly string[], { prefix, delimiter }: Asked): { single: string[]; groups: string[] } {
  const groups = new Set<string>();
  const single = names.filter((name) => {
    if (!name.startsWith(prefix)) return false;
    const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    if (at >= 0) groups.add(name.slice(0, at + delimiter.length));
    return at < 0;
  });
  return { single, groups: [...groups].sort(byBytes) };
}

async function pages(
  desk: Desk,
  fixed: Record<string, string>,
  next: (told: Told) => Record<string, string> | undefined,
) {
  const all: Told[] = [];
  let more: Record<string, string> | undefined = {};
  while (more !== undefined) {
    const told: Told = await desk.ask('GET', '/box', { query: { ...fixed, ...more } });
    expect(told.status).toBe(200);
    all.push(told);
    more = next(told);
  }
  return all;
}

async function filled(writes: readonly { readonly key: string; readonly remove: boolean }[]) {
  const desk = new Desk();
  await desk.bucket('box');
  await desk.versioned('box');
  const history = new Map<string, { id: string; marker: boolean }[]>();
  for (const { key: name, remove } of writes) {
    const done = await desk.ask(remove ? 'DELETE' : 'PUT', `/box/${name}`);
    const versions = history.get(name) ?? [];
    versions.unshift({ id: done.headers['x-amz-version-id'] ?? '', marker: remove });
    history.set(name, versions);
  }
  return { desk, history, names: [...history.keys()].sort(byBytes) };
}

const query = ({ prefix, delimiter, size }: Asked) => ({ prefix, delimiter, 'max-keys': String(size) });

test('ListObjectsV2 tells what a sorted list rolled up would, whatever the page size', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 25 }), question, async (writes, asked) => {
      const { desk, history, names } = await filled(writes);
      const told = await pages(desk, { 'list-type': '2', ...query(asked) }, ({ xml }) => {
        const token = leafOf(xml.ListBucketResult, 'NextContinuationToken');
        return token === '' ? undefined : { 'continuation-token': token };
      });
      const results = told.map(({ xml }) => xml.ListBucketResult);
      const visible = names.filter((name) => history.get(name)?.[0]?.marker === false);
      const expected = rolledUp(visible, asked);
      expect(results.flatMap((page) => rows(page, 'Contents').map((row) => leafOf(row, 'Key')))).toEqual(
        expected.single,
      );
      expect(results.flatMap((page) => rows(page, 'CommonPrefixes').map((row) => leafOf(row, 'Prefix')))).toEqual(
        expected.groups,
      );
      expect(results.length).toBe(
        Math.max(1, Math.ceil((expected.single.length + expected.groups.length) / asked.size)),
      );
    }),
    { numRuns: runs(60) },
  );
});

test('ListObjectVersions tells every version once, newest first, whatever the page size', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 25 }), question, async (writes, asked) => {
      const { desk, history, names } = await filled(writes);
      const told = await pages(desk, { versions: '', ...query(asked) }, ({ xml }) => {
        const page = xml.ListVersionsResult;
        if (leafOf(page, 'IsTruncated') !== 'true') return undefined;
        const id = leafOf(page, 'NextVersionIdMarker');
        return { 'key-marker': leafOf(page, 'NextKeyMarker'), ...(id === '' ? {} : { 'version-id-marker': id }) };
      });
      const results = told.map(({ xml }) => xml.ListVersionsResult);
      const ids = (name: string) => results.flatMap((page) => rows(page, name).map((row) => leafOf(row, 'VersionId')));
      const { single, groups } = rolledUp(names, asked);
      const expected = single.flatMap((name) => history.get(name) ?? []);
      expect(ids('Version')).toEqual(expected.filter(({ marker }) => !marker).map(({ id }) => id));
      expect(ids('DeleteMarker')).toEqual(expected.filter(({ marker }) => marker).map(({ id }) => id));
      expect(results.flatMap((page) => rows(page, 'CommonPrefixes').map((row) => leafOf(row, 'Prefix')))).toEqual(
        groups,
      );
    }),
    { numRuns: runs(60) },
  );
});
