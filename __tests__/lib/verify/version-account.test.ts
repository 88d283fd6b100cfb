import fc from 'fast-check';
import { isCode } from '../../../lib/errors';
import {
  AccountInMaking,
  accountOf,
  accountText,
  PLACES,
  type VersionCounts,
} from '../../../lib/verify/version-account';

const places = fc.record(
  Object.fromEntries(PLACES.map((place) => [place, fc.nat(1000)])) as Record<string, fc.Arbitrary<number>>,
);
const sumOf = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);

it('makes an account of counts that add up, and names every member', () => {
  fc.assert(
    fc.property(places, (counts) => {
      const account = accountOf('b', { ...counts, listed: sumOf(counts) } as VersionCounts);
      expect(account.listed).toBe(sumOf(counts));
      for (const place of PLACES) if (account[place] > 0) expect(accountText(account)).toContain(`${account[place]} `);
    }),
  );
});

it('refuses counts that do not add up, and numbers that count nothing', () => {
  const refused = (counts: Record<string, number>) => {
    try {
      accountOf('b', counts as VersionCounts);
    } catch (error) {
      return isCode(error, 'verification-stopped');
    }
    return false;
  };
  fc.assert(
    fc.property(places, fc.integer({ min: -50, max: 50 }), (counts, off) => {
      fc.pre(off !== 0);
      expect(refused({ ...counts, listed: sumOf(counts) + off })).toBe(true);
    }),
  );
  const none = { listed: 0, underActive: 0, left: 0, outOfScope: 0, unknown: 0, gone: 0, notInspected: 0 };
  expect(refused({ ...none, left: -1, gone: 1 })).toBe(true);
  expect(refused({ ...none, listed: Number.NaN, gone: Number.NaN })).toBe(true);
  expect(refused({ ...none, listed: 0.5, gone: 0.5 })).toBe(true);
});

it('fails when a listed version was settled nowhere, or twice', () => {
  const once = new AccountInMaking();
  once.listed(2);
  once.settle('gone');
  expect(() => once.account('b')).toThrow('2 listed = 0 under the active key');
  once.settle('gone');
  expect(once.account('b')).toMatchObject({ listed: 2, gone: 2 });
  once.settle('left');
  expect(() => once.account('b')).toThrow('do not add up');
});
