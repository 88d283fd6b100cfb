import { DeleteObjectCommand, GetObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';

import type { ObjectStore } from '../../../lib/s3/store';
import { unaccounted } from '../../../lib/verify/unaccounted';
import { runs } from '../../runner/slow';
import { ORDERS, type Order, reencryptIn } from '../../support/orders';
import { type TestEndpoint, testEndpoint } from './endpoint';

const DAY = 86_400_000;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

/** What a writer does right before the n-th request of the run, or right after it took effect. */
interface Write {
  readonly at: number;
  readonly side: 'before' | 'after';
  readonly act: 'put' | 'delete';
  readonly key: string;
  /** A writer that names the old key, whatever the bucket's default is. */
  readonly underOld: boolean;
}

/** A put under the old key, and the listing of the run that it came after. */
interface Written {
  readonly key: string;
  readonly pass: number;
}

const write: fc.Arbitrary<Write> = fc.record({
  at: fc.integer({ min: 1, max: 60 }),
  side: fc.constantFrom('before', 'after'),
  act: fc.constantFrom('put', 'put', 'delete'),
  key: fc.constantFrom(...KEYS, 'new-1', '0-new'),
  underOld: fc.boolean(),
});

let endpoint: TestEndpoint;
let writers: TestEndpoint['s3'];
beforeAll(async () => {
  endpoint = await testEndpoint();
  writers = endpoint.s3;
});
afterAll(() => endpoint.close());
let buckets = 0;

describe.each(['rewrap', 'rewrite'] as const)('a writer that never pauses during a %s', (method) => {
  it.each(['unversioned', 'versioned'] as const)(
    'loses nothing, and nothing current is left under the old key (%s)',
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(fc.array(write, { maxLength: 12 }), fc.constantFrom(...ORDERS), async (writes, order) => {
          buckets += 1;
          const bucket = await endpoint.bucket(`writer-${buckets}`, kind === 'versioned' ? 'Enabled' : undefined);
          const newest = new Map<string, string>();
          // What is new is verified at the end in either order.
          endpoint.aws.clock.offset -= DAY;
          for (const key of KEYS) {
            newest.set(key, `first ${key}`);
            await endpoint.put(bucket, key, { Body: `first ${key}` });
          }
          endpoint.aws.clock.offset += DAY;
          const written: Written[] = [];
          const writer = startWriter(bucket, writes, newest, written, order);
          const store = writer.counting(endpoint.store());
          const request = endpoint.request(bucket, { method, maxPasses: 20 });
          const { result, verify } = await reencryptIn(order, store, request, { scopeOf: undefined, read: 0 });
          writer.stop();

          // Every object holds the newest content written, and a deleted one stays deleted.
          expect(await contentsOf(bucket)).toEqual(Object.fromEntries([...newest].sort()));
          expect(result).toMatchObject({ complete: true, failedTotal: 0 });
          const found = await verify({ read: 'all' });
          expect(unaccounted(found)).toEqual([]);
          expect(found.unknownTotal).toBe(0);
          // Nothing is under the old key but what a writer put there after the last pass had begun, which is named here,
          // and, as a rewrite cannot move noncurrent versions, what the run named as blocked.
          const late = (key: string) => written.some((one) => one.key === key && one.pass >= result.passes);
          const blocked = new Set(result.blocked.map((one) => `${one.key} ${one.versionId}`));
          const left = found.left.filter((one) => !late(one.key));
          expect(left.filter((one) => one.isLatest || !blocked.has(`${one.key} ${one.versionId}`))).toEqual([]);
          if (method === 'rewrap') expect(left).toEqual([]);
        }),
        { numRuns: runs(12) },
      );
    },
    300_000,
  );
});

/** Carries the writes out at their moments. Writes that the run was too short for are not made. */
function startWriter(
  bucket: string,
  writes: readonly Write[],
  newest: Map<string, string>,
  written: Written[],
  order: Order,
): { stop(): void; counting(store: ObjectStore): ObjectStore } {
  let seen = 0;
  let pass = 0;
  let isWriting = false;
  let count = 0;
  const due = async (side: Write['side']) => {
    if (isWriting) return undefined;
    if (side === 'before') seen += 1;
    isWriting = true;
    for (const one of writes.filter((other) => other.at === seen && other.side === side)) {
      count += 1;
      if (one.act === 'put' && one.underOld) written.push({ key: one.key, pass });
      await carryOut(bucket, one, `${one.key} ${count}`, newest);
    }
    isWriting = false;
    return undefined;
  };
  const unhook = endpoint.aws.requests.hook({
    before: ({ operation }) => {
      if (operation === 'ListObjectVersions' && order === 'after') pass += 1;
      return due('before');
    },
    after: () => due('after'),
  });
  return {
    stop: () => void unhook(),
    // Listings of the verification are no passes.
    counting: (store) => ({
      ...store,
      listVersions: (...asked) => {
        if (order === 'behind' || (order === 'shared' && asked[0].after === undefined)) pass += 1;
        return store.listVersions(...asked);
      },
    }),
  };
}

async function carryOut(Bucket: string, { act, key, underOld }: Write, body: string, newest: Map<string, string>) {
  if (act === 'put') {
    await endpoint.put(Bucket, key, { Body: body, SSEKMSKeyId: underOld ? endpoint.oldKey : endpoint.newKey });
    newest.set(key, body);
  } else {
    await writers.send(new DeleteObjectCommand({ Bucket, Key: key }));
    newest.delete(key);
  }
}

async function contentsOf(Bucket: string): Promise<Record<string, string>> {
  const { Versions = [] } = await endpoint.s3.send(new ListObjectVersionsCommand({ Bucket }));
  const found: Record<string, string> = {};
  for (const { Key = '' } of Versions.filter((one) => one.IsLatest)) {
    const { Body } = await endpoint.s3.send(new GetObjectCommand({ Bucket, Key }));
    found[Key] = (await Body?.transformToString()) ?? '';
  }
  return found;
}
