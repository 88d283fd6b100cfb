import fc from 'fast-check';

import { EXPIRY_WARNING_DAYS, expiryOf } from '../../../lib/kms/expiry';

const DAY = 24 * 60 * 60 * 1000;
const now = new Date('2026-11-24T00:00:00Z');
const expiring = (days: number) => ({
  validTo: new Date(now.getTime() + days * DAY),
  expirationModel: 'KEY_MATERIAL_EXPIRES' as const,
});

test.each([
  [100, undefined],
  [60.01, undefined],
  [60, 60],
  [31, 60],
  [30, 30],
  [8, 30],
  [7, 7],
  [0.5, 7],
  [-3, 7],
])('%d days before the end the warning is %p', (days, warning) => {
  expect(expiryOf(expiring(days), now)?.warning).toBe(warning);
});

test('is nothing for material that does not expire', () => {
  expect(expiryOf({ validTo: undefined, expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }, now)).toBeUndefined();
  expect(expiryOf({ validTo: undefined, expirationModel: undefined }, now)).toBeUndefined();
});

test('is expired from the very moment on', () => {
  expect(expiryOf(expiring(0), now)).toMatchObject({ daysLeft: 0, expired: true });
  expect(expiryOf(expiring(1 / DAY), now)).toMatchObject({ daysLeft: 0, expired: false });
  expect(expiryOf(expiring(-0.5), now)).toMatchObject({ daysLeft: -1, expired: true });
});

test('a later look never takes a warning back', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -400, max: 400, noNaN: true }),
      fc.double({ min: 0, max: 400, noNaN: true }),
      (days, passed) => {
        const severity = (left: number) => expiryOf(expiring(left), now)?.warning ?? Number.POSITIVE_INFINITY;
        expect(severity(days - passed)).toBeLessThanOrEqual(severity(days));
      },
    ),
  );
  expect(EXPIRY_WARNING_DAYS).toEqual([60, 30, 7]);
});
