import type { RetireWaiver } from '../../../lib/rotation/settings';
import { soakReasons, userReasons } from '../../../lib/workflow/gate-users';
import { applyRetireWaivers } from '../../../lib/workflow/gate-waivers';
import type { OtherKeyUsers } from '../../../lib/workflow/key-users';

const time = (text: string) => new Date(`2026-11-24T${text}:00.000Z`);
const usage = (operation: string, at: string) => ({
  known: { operation, at: time(at), trackedSince: undefined },
});
const none = { known: { operation: undefined, at: undefined, trackedSince: undefined } };

/** Switched at ten, seen by this run at noon, moved until half past. */
const alone: OtherKeyUsers = {
  grants: { known: [] },
  defaultOf: [],
  defaultsUnknown: [],
  replicas: [],
  replicasUnknown: [],
  use: {
    before: none,
    now: none,
    switchedAt: { known: time('10:00') },
    hasMoved: true,
    movedUntil: time('12:30').getTime(),
    trail: undefined,
  },
};
const withUse = (use: Partial<OtherKeyUsers['use']>): OtherKeyUsers => ({ ...alone, use: { ...alone.use, ...use } });
const codes = (users: OtherKeyUsers) => userReasons(users).map(({ code }) => code);

it('has no reason where nobody else is known', () => {
  expect(userReasons(alone)).toEqual([]);
});

it.each([
  ['a read before the switch', 'Decrypt', '09:59', []],
  ['a read before the move', 'Decrypt', '11:59', []],
  ['a write before the switch', 'GenerateDataKey', '09:59', []],
  ['a write within the slack of clocks after the switch', 'GenerateDataKeyWithoutPlaintext', '10:14', []],
  ['a write later', 'GenerateDataKey', '10:15', ['used']],
  ['what S3 never asks for, whenever it was', 'Encrypt', '01:00', ['used']],
  ['another call that S3 never makes', 'GenerateMac', '01:00', ['used']],
  ['a call whose name only begins like one of S3', 'GenerateDataKeyPair', '01:00', ['used']],
  ['a call whose name only ends like one of S3', 'XReEncrypt', '01:00', ['used']],
  ['a call whose name only begins like a read', 'DecryptX', '01:00', ['used']],
  ['a call whose name only ends like a write', 'XGenerateDataKey', '01:00', ['used']],
])('tells %s, as the last use before this run', (_title, operation, at, expected) => {
  expect(codes(withUse({ before: usage(operation, at), now: usage('ReEncrypt', '12:20') }))).toEqual(expected);
});

it.each([
  ['the last move itself', 'ReEncrypt', '12:30', []],
  ['a read within the slack of clocks after the move', 'Decrypt', '12:45', []],
  ['a read later', 'Decrypt', '12:46', ['used']],
  ['a write', 'GenerateDataKey', '12:01', ['used']],
])('tells %s in this run', (_title, operation, at, expected) => {
  expect(codes(withUse({ now: usage(operation, at) }))).toEqual(expected);
});

it('tells another call at the very time of the last one, and a write of before a switch that nobody knows', () => {
  const [before, now] = [usage('Decrypt', '11:59'), usage('GenerateDataKey', '11:59')];
  expect(codes(withUse({ before, now }))).toEqual(['used']);
  expect(codes(withUse({ before: now, now, switchedAt: { known: undefined } }))).toEqual([]);
});

it('explains no read of now by a move of an earlier run', () => {
  expect(codes(withUse({ hasMoved: false, now: usage('Decrypt', '12:20') }))).toEqual(['used']);
});

it.each([
  ['a moment too early', 30, time('12:30').getTime() + 30 * 86_400_000 - 1, ['used-recently']],
  ['to the millisecond', 30, time('12:30').getTime() + 30 * 86_400_000, []],
  ['without such days', undefined, time('12:30').getTime(), []],
])('asks for whole days without use: %s', (_title, days, at, expected) => {
  const used = withUse({ now: usage('Decrypt', '12:30') });
  expect(soakReasons(used, days, at).map(({ code }) => code)).toEqual(expected);
  expect(soakReasons(alone, days, at)).toEqual([]);
});

describe('where this run moved nothing', () => {
  const idle = { hasMoved: false, movedUntil: undefined } as const;

  it.each([
    ['a read after the switch', 'Decrypt', ['used']],
    ['a re-encryption', 'ReEncrypt', []],
  ])('tells %s before it', (_title, operation, expected) => {
    const use = usage(operation, '11:00');
    expect(codes(withUse({ ...idle, before: use, now: use }))).toEqual(expected);
  });

  it('counts any use in it', () => {
    expect(codes(withUse({ ...idle, now: usage('ReEncrypt', '12:01') }))).toEqual(['used']);
    expect(codes(withUse({ ...idle, movedUntil: time('12:00').getTime(), now: usage('ReEncrypt', '12:01') }))).toEqual([
      'used',
    ]);
  });

  it('explains reads until the move that evidence shows', () => {
    const read = (at: string) => ({ before: usage('Decrypt', at), now: usage('Decrypt', at) });
    const shown = { hasMoved: false, movedUntil: time('11:00').getTime() };
    expect(codes(withUse({ ...shown, ...read('11:15') }))).toEqual([]);
    expect(codes(withUse({ ...shown, ...read('11:16') }))).toEqual(['used']);
  });
});

it.each<[string, OtherKeyUsers, string, string]>([
  [
    'grants',
    { ...alone, grants: { known: undefined, unknown: 'kms:ListGrants is denied' } },
    'grants-unknown',
    'kms:ListGrants',
  ],
  [
    'the last use',
    withUse({ now: { known: undefined, unknown: 'kms:GetKeyLastUsage is denied' } }),
    'use-unknown',
    'kms:GetKeyLastUsage',
  ],
  [
    'the switch',
    withUse({ switchedAt: { known: undefined, unknown: 'kms:ListAliases is denied' } }),
    'use-unknown',
    'kms:ListAliases',
  ],
  [
    'other buckets',
    { ...alone, defaultsUnknown: [{ bucket: undefined, text: 's3:ListAllMyBuckets is denied' }] },
    'defaults-unknown',
    's3:ListAllMyBuckets',
  ],
  [
    'replication',
    {
      ...alone,
      replicasUnknown: [{ bucket: 'photos', text: 's3:GetReplicationConfiguration is denied on photos' }],
    },
    'replication-unknown',
    's3:GetReplicationConfiguration',
  ],
])('names the permission that is missing for %s', (_title, users, code, action) => {
  expect(userReasons(users)).toMatchObject([{ code, text: expect.stringContaining(action) }]);
});

describe('waivers', () => {
  const granted = { code: 'granted', subject: 'g-1', text: 'a grant is on it' } as const;
  const waiver: RetireWaiver = { what: 'grant', reason: 'the backup service keeps it', until: '2026-11-24' };
  const NOON = time('12:00').getTime();
  const apply = (...waivers: readonly RetireWaiver[]) => applyRetireWaivers([granted], waivers, NOON);

  it('sets a reason aside through the last day, and says by which waiver', () => {
    expect(apply(waiver)).toEqual({ reasons: [], waived: [{ reason: granted, waiver }] });
    expect(apply({ ...waiver, of: 'g-1' }).reasons).toEqual([]);
  });

  it.each([
    ['is for something else', { ...waiver, what: 'use' as const }],
    ['is for another grant', { ...waiver, of: 'g-2' }],
  ])('refuses a waiver that %s', (_title, other) => {
    expect(apply(other)).toEqual({ reasons: [granted], waived: [] });
  });

  it('refuses a waiver that has ended, and says when', () => {
    expect(apply({ ...waiver, until: '2026-11-23' }).reasons).toMatchObject([
      { code: 'granted', text: 'a grant is on it; its waiver ended on 2026-11-23' },
    ]);
  });

  it('sets aside no object that is left or unknown', () => {
    const reasons = (['objects-left', 'objects-unknown', 'not-verified', 'look-failed'] as const).map((code) => ({
      code,
      text: code,
    }));
    const all = (['grant', 'bucket-default', 'use', 'upload', 'expiry'] as const).map((what) => ({ ...waiver, what }));
    expect(applyRetireWaivers(reasons, all, NOON)).toEqual({ reasons, waived: [] });
  });
});
