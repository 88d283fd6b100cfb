import fc from 'fast-check';
import type { Lie, Telling } from './liar';
import type { Case, LiedTo, Under, Verdict, Writer } from './lied-to';
import { LIES } from './lies';

const KEYS = ['a', 'a b', 'a+b', 'a/b', 'a%20b', 'é', '\u{1f600}', 'z'] as const;

/** Nothing green that is wrong: v1 off while something is readable by it alone, or an end without a word while something is left. */
export function wrongGreen({ exitCode, isDisabled, underOld }: Verdict): string | undefined {
  if (underOld.length === 0) return undefined;
  if (isDisabled) return `v1 is Disabled, and ${underOld.join(', ')} cannot be read any more`;
  return exitCode === 0 ? `exit 0, and ${underOld.join(', ')} is left under v1` : undefined;
}

const key = fc.constantFrom(...KEYS);
const under = fc.constantFrom<Under>('old', 'old', 'held', 'old twice', 'active', 'other', 'sse-s3');
const writer: fc.Arbitrary<Writer | undefined> = fc.option(
  fc.record({
    act: fc.constantFrom<Writer['act']>(
      'puts',
      'puts under the old key',
      'puts under the old key last',
      'replicates under the old key last',
      'deletes',
      'overwrites',
    ),
    nth: fc.integer({ min: 1, max: 25 }),
    key,
  }),
  { nil: undefined },
);
const tellingOf = (lie: Lie): fc.Arbitrary<Telling> =>
  fc.record({
    lie: fc.constant(lie),
    // Most operations are asked for a few times only.
    nth: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 12 })),
    to: lie.lasting ? fc.constantFrom<Telling['to']>('once', 'direct', 'sdk') : fc.constant<Telling['to']>('once'),
    pick: fc.nat(1000),
  });
/** Buckets, writers and lies. */
export const cases: fc.Arbitrary<Case> = fc.record({
  versioning: fc.constantFrom<Case['versioning']>('none', 'enabled', 'suspended', 'locked'),
  puts: fc.array(fc.record({ key, under }), { minLength: 1, maxLength: 8 }),
  deletes: fc.uniqueArray(key, { maxLength: 2 }),
  isOld: fc.boolean(),
  upload: fc.nat(9).map((die) => die === 0),
  method: fc.nat(4).map((die) => (die === 0 ? ('rewrite' as const) : ('rewrap' as const))),
  rehearses: fc.nat(5).map((die) => die === 0),
  writer,
  telling: fc.constantFrom(...LIES).chain(tellingOf),
});

/** Two buckets that every lie is told about. */
const FIXED: readonly Omit<Case, 'telling'>[] = [
  {
    versioning: 'locked',
    puts: [
      { key: 'a', under: 'held' },
      { key: 'a', under: 'old' },
      { key: 'a b', under: 'old twice' },
      { key: 'a+b', under: 'active' },
      { key: 'z', under: 'other' },
    ],
    deletes: ['a/b'],
    upload: true,
    method: 'rewrap',
    rehearses: true,
    writer: undefined,
  },
  {
    versioning: 'none',
    puts: [
      { key: 'a', under: 'old' },
      { key: 'a b', under: 'sse-s3' },
      { key: 'z', under: 'old' },
      { key: 'é', under: 'active' },
    ],
    deletes: [],
    upload: false,
    method: 'rewrap',
    writer: undefined,
  },
];

/** Every lie in every manner, at the first request that it is about and at a later one. */
function* everyTelling(lie: Lie): Generator<Telling> {
  for (const to of lie.lasting ? (['once', 'direct', 'sdk'] as const) : (['once'] as const)) {
    for (const nth of to === 'once' ? [1, 2, 4] : [1]) yield { lie, nth, to, pick: 1 };
  }
}

/** Tells every lie of the catalogue in every manner. @returns wrong greens, and lies that nobody was told */
export async function sweep(
  site: LiedTo,
  onLie: (name: string, told: number) => void = () => undefined,
): Promise<{ readonly wrong: readonly string[]; readonly untold: readonly string[] }> {
  const wrong: string[] = [];
  const untold: string[] = [];
  for (const lie of LIES) {
    let told = 0;
    for (const telling of everyTelling(lie)) {
      for (const one of FIXED) {
        const verdict = await site.try({ ...one, isOld: true, telling });
        told += verdict.told;
        const found = wrongGreen(verdict);
        if (found !== undefined) wrong.push(`${lie.name} (${telling.to}, ${telling.nth}): ${found}`);
      }
    }
    if (told === 0) untold.push(lie.name);
    onLie(lie.name, told);
  }
  return { wrong, untold };
}
