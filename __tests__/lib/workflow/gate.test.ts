import { isCode } from '../../../lib/errors';
import type { BucketReencryption } from '../../../lib/reencrypt/reencrypt-bucket';
import { RETIRE_WAIVERS, type RetireWaiver } from '../../../lib/rotation/settings';
import type { BucketVerification } from '../../../lib/verify/bucket-verification';
import { accountOf } from '../../../lib/verify/version-account';
import { type GateInput, GatePass, gateReasons } from '../../../lib/workflow/gate';
import { formerIn, formerReasons } from '../../../lib/workflow/gate-former-keys';
import { rehearsalLine } from '../../../lib/workflow/gate-rehearsal';
import type { Pin } from '../../../lib/workflow/pins';
import type { DressRehearsal } from '../../../lib/workflow/rehearsal/dress-rehearsal';
import type { RehearsedBucket } from '../../../lib/workflow/rehearsal/rehearse-bucket';

const OLD = 'arn:aws:kms:ap-northeast-1:123456789012:key/old';
const ACTIVE = 'arn:aws:kms:ap-northeast-1:123456789012:key/active';
const FORMER = 'arn:aws:kms:ap-northeast-1:123456789012:key/former';
const version = (name: string) => ({ name, materialValidTo: undefined, keyArn: undefined, disabled: false });
const key = (arn: string, state: string) => ({
  arn,
  id: arn.slice(-6),
  state,
  origin: 'EXTERNAL',
  enabled: state === 'Enabled',
  expirationModel: undefined,
  validTo: undefined,
  currentKeyMaterialId: undefined,
  creationDate: undefined,
  deletionDate: undefined,
  relatedKeys: undefined,
});

const NONE = { asked: 0, annotated: [], annotatedTotal: 0, unknown: [], unknownTotal: 0 };

const verified: BucketVerification = {
  bucket: 'ledger',
  at: '2026-11-24T00:00:00.000Z',
  objectVersions: 2,
  deleteMarkers: 0,
  account: accountOf('ledger', {
    listed: 2,
    underActive: 2,
    left: 0,
    outOfScope: 0,
    unknown: 0,
    gone: 0,
    notInspected: 0,
  }),
  newestListed: '2026-11-23T00:00:00.000Z',
  comparisons: [],
  secondHeads: { versions: 2, contradictions: 0 },
  annotations: NONE,
  byKey: { [ACTIVE]: 2 },
  left: [],
  leftTotal: 0,
  unknown: [],
  unknownTotal: 0,
  openUploads: [],
  openUploadsTotal: 0,
  read: { versions: 2, bytes: 2 },
  requests: 3,
  covers: 'every-key',
  sources: {
    heads: { 'every version': 2 },
    notInspected: 0,
    generated: [],
    because: undefined,
    disagreements: [],
    disagreementsTotal: 0,
  },
};

const pass: BucketReencryption = {
  bucket: 'ledger',
  method: 'rewrap',
  engine: 'local',
  jobs: [],
  objectVersions: 2,
  deleteMarkers: 0,
  outOfScope: {},
  alreadyThere: 0,
  moved: 2,
  movedBytes: 2,
  gone: 0,
  blocked: [],
  blockedTotal: 0,
  failed: [],
  failedTotal: 0,
  requests: 6,
  passes: 1,
  complete: true,
  stopped: undefined,
  evidence: [],
};

/** Everything is as it must be: the only input that opens the gate, and what each test breaks in one place. */
const sound: GateInput = {
  version: version('v1'),
  keyArn: OLD,
  formerKeys: [],
  activeKeyArn: ACTIVE,
  observation: {
    versions: [
      { version: version('v1'), key: key(OLD, 'Enabled') },
      { version: version('v2'), key: key(ACTIVE, 'Enabled') },
    ],
    aliasTarget: ACTIVE,
    buckets: [{ name: 'ledger', default: { algorithm: 'aws:kms', keyArn: ACTIVE, bucketKey: true } }],
  },
  activeCustody: { proven: true, text: 'its custody was opened' },
  buckets: ['ledger'],
  verification: { activeKeyArn: ACTIVE, buckets: [verified], changes: [], asOf: verified.at },
  reencryptions: [pass],
  switchSeenAt: Date.parse('2026-11-24T00:00:00.000Z'),
  users: {
    grants: { known: [] },
    defaultOf: [],
    defaultsUnknown: [],
    replicas: [],
    replicasUnknown: [],
    use: {
      before: undefined,
      now: { known: { at: undefined, operation: undefined, trackedSince: undefined } },
      switchedAt: { known: undefined },
      hasMoved: false,
      movedUntil: undefined,
      trail: undefined,
    },
  },
  dropped: [],
  warnDays: 60,
  unusedForDays: undefined,
  waivers: [],
  now: Date.parse('2026-11-24T00:10:00.000Z'),
};

const withBucket = (changes: Partial<BucketVerification>): GateInput => ({
  ...sound,
  verification: { activeKeyArn: ACTIVE, buckets: [{ ...verified, ...changes }], changes: [], asOf: verified.at },
});

const READERS = 'arn:aws:iam::123456789012:role/readers';
const rehearsed: RehearsedBucket = {
  bucket: 'ledger',
  objectVersions: 2,
  read: 2,
  inDoubt: 0,
  failed: [],
  unreadable: [],
  outOfReach: 0,
  archived: 0,
  customerKey: 0,
  gone: 0,
  annotations: 0,
  annotationsOutOfReach: 0,
  refusedWithoutActive: { key: 'a', versionId: 'v' },
  readWithoutActive: undefined,
};
const withRehearsal = (changes: Partial<DressRehearsal>): GateInput => ({
  ...sound,
  rehearseAs: READERS,
  rehearsal: {
    role: READERS,
    keyArn: OLD,
    at: '2026-11-24T00:09:00.000Z',
    sessionPolicy: 'a'.repeat(64),
    denial: { describeKey: 'denied', describeKeyOtherwise: 'denied' },
    buckets: [rehearsed],
    impossible: [],
    requests: 5,
    ...changes,
  },
});

const straggler = {
  key: 'a\u001b[31m',
  versionId: 'v',
  keyArn: OLD,
  isLatest: true,
  lastModified: '2026-01-01T00:00:00.000Z',
};

it('opens when alias, defaults and every object version are under an enabled active key', () => {
  expect(gateReasons(sound)).toEqual([]);
  expect(GatePass.isPass(GatePass.open(sound))).toBe(true);
});

it.each([
  ['the active key, not before its warning time', ACTIVE, '2027-01-23T00:10:00.000Z'],
  ['the old key, whenever', OLD, '2026-11-25T00:00:00.000Z'],
])('opens when the material expires of %s', (_, arn, validTo) => {
  const versions = sound.observation.versions.map((one) =>
    one.key?.arn === arn ? { ...one, key: { ...one.key, validTo: new Date(validTo) } } : one,
  );
  expect(gateReasons({ ...sound, observation: { ...sound.observation, versions } })).toEqual([]);
});

it('passes on what was checked, and takes nothing else for a pass', () => {
  const made = GatePass.open(sound);
  expect([made.version, made.keyArn]).toEqual([sound.version, OLD]);
  for (const other of [undefined, null, 'pass', 1, {}, { ...made }, Object.create(GatePass.prototype)]) {
    expect(GatePass.isPass(other)).toBe(false);
  }
});

it('stays closed while custody is not proven to hold the material of the active version, and no waiver opens it', () => {
  const activeCustody = { proven: false, text: 'neither a custody record nor evidence says so' };
  const waivers = RETIRE_WAIVERS.map((what) => ({ what, reason: 'everything is waived', until: '2027-01-01' }));
  const reasons = gateReasons({ ...sound, activeCustody, waivers });
  expect(reasons.map(({ code }) => code)).toEqual(['custody-not-proven']);
  expect(gateReasons({ ...sound, activeCustody: { proven: true, text: 'a record' } })).toEqual([]);
});

it('opens after a rehearsal in which the readers read everything, and no waiver sets its failures aside', () => {
  expect(gateReasons(withRehearsal({}))).toEqual([]);
  const waivers = RETIRE_WAIVERS.map((what) => ({ what, reason: 'everything is waived', until: '2027-01-01' }));
  const failed = Array.from({ length: 7 }, (_, at) => ({ key: `a${at}`, versionId: 'v', why: 'AccessDenied' }));
  const input = withRehearsal({ buckets: [{ ...rehearsed, failed }], impossible: ['it proves nothing'] });
  expect(gateReasons({ ...input, waivers }).map(({ code, text }) => [code, text])).toEqual([
    ...['a0', 'a1', 'a2', 'a3', 'a4'].map((key) => [
      'rehearsal-failed',
      expect.stringContaining(`"${key}" (version v)`),
    ]),
    ['rehearsal-failed', expect.stringContaining('2 more object version(s) in ledger')],
    ['rehearsal-not-possible', 'dress rehearsal: it proves nothing'],
  ]);
});

it('asks for the states of the active key and of the key itself, whatever the others are', () => {
  const versions = [
    { version: version('v0'), key: undefined },
    { version: version('v00'), key: key(FORMER, 'Disabled') },
    { version: version('v1'), key: key(OLD, 'Enabled') },
    { version: version('v2'), key: key(ACTIVE, 'Enabled') },
  ];
  expect(gateReasons({ ...sound, observation: { ...sound.observation, versions } })).toEqual([]);
});

const uploadOf = (initiated: string) => ({ key: 'a', uploadId: 'u', initiated, keyArn: undefined });

it.each([
  ['before the switch was seen', '2026-11-23T23:59:59.999Z', 'uploads-open'],
  ['less than the slack of clocks after it', '2026-11-24T00:14:59.999Z', 'uploads-open'],
  ['later', '2026-11-24T00:15:00.000Z', 'uploads-unknown'],
])('refuses an open upload that was begun %s, with its key, id and time', (_title, initiated, code) => {
  const [reason, ...more] = gateReasons(withBucket({ openUploadsTotal: 1, openUploads: [uploadOf(initiated)] }));
  expect(more).toEqual([]);
  expect(reason).toMatchObject({
    code,
    subject: 'a',
    text: expect.stringMatching(/"a" in ledger \(u\), begun 2026-11-2/),
  });
  expect(reason?.text).toContain(initiated);
});

describe('with pinned writers', () => {
  const since = Date.parse('2026-11-24T00:00:00.000Z');
  const upload = uploadOf('2026-11-24T00:20:00.000Z');
  const pinned = (pin: Partial<Pin>, switched: Date | undefined, openUploads = [upload]): string[] => {
    const input = withBucket({ openUploadsTotal: openUploads.length, openUploads });
    const users = { ...sound.users, use: { ...sound.users.use, switchedAt: { known: switched } } };
    const pins = [{ bucket: 'ledger', since, because: undefined, ...pin }];
    return gateReasons({ ...input, users, pins }).map(({ code }) => code);
  };

  it('opens over an upload that was begun while they were', () => {
    expect(pinned({}, new Date(since))).toEqual([]);
    const early = uploadOf('2026-11-24T00:14:59.999Z');
    expect(pinned({}, new Date(since), [upload, early, upload])).toEqual(['uploads-open']);
  });

  it.each<[string, Partial<Pin>, Date | undefined]>([
    ['another bucket is', { bucket: 'other' }, new Date(since)],
    ['they are not now', { since: undefined, because: 'ledger has no policy' }, new Date(since)],
    ['they are since later', { since: Date.parse(upload.initiated) - 1 }, new Date(since)],
    ['the alias was moved since', {}, new Date(upload.initiated)],
    ['nobody knows when the alias was moved', {}, undefined],
  ])('refuses where %s', (_title, pin, switched) => {
    expect(pinned(pin, switched)).toEqual(['uploads-unknown']);
  });

  it('counts from the slack of clocks on, to the same slack ahead of now, and says why it does not', () => {
    const ends = [uploadOf('2026-11-24T00:15:00.000Z'), uploadOf('2026-11-24T00:25:00.000Z')];
    expect(pinned({}, new Date(since), ends)).toEqual([]);
    const because = 'ledger has no policy';
    const input = withBucket({ openUploadsTotal: 1, openUploads: [upload] });
    const [reason] = gateReasons({ ...input, pins: [{ bucket: 'ledger', since: undefined, because }] });
    expect(reason?.text).toContain(`(pinWriters does not count: ${because})`);
    const [unpinned] = gateReasons({ ...input, pins: [{ bucket: 'ledger', since: undefined, because: undefined }] });
    expect(unpinned?.text).not.toContain('pinWriters');
  });

  it.each([[''], ['2026-11-24T00:25:00.001Z']])('refuses over an upload with the impossible date %j', (initiated) => {
    expect(pinned({}, new Date(since), [uploadOf(initiated)])).toEqual(['uploads-unknown']);
  });
});

it('names five uploads and counts the others', () => {
  const openUploads = Array.from({ length: 7 }, () => uploadOf('2026-11-24T01:00:00.000Z'));
  const reasons = gateReasons(withBucket({ openUploadsTotal: 9, openUploads }));
  expect(reasons).toHaveLength(6);
  expect(reasons[5]?.text).toContain('4 more open multipart upload(s)');
});

it('names five versions that the readers cannot read, and counts the others', () => {
  const failed = Array.from({ length: 7 }, (_, at) => ({
    key: `${at}`,
    versionId: at === 0 ? undefined : 'v',
    why: 'x',
  }));
  const reasons = gateReasons(withRehearsal({ buckets: [{ ...rehearsed, failed }] }));
  expect(reasons.map(({ subject }) => subject)).toEqual(['0', '1', '2', '3', '4', undefined]);
  expect(reasons[0]?.text).toContain('cannot read "0" in ledger: x');
  expect(reasons[1]?.text).toContain('cannot read "1" (version v) in ledger: x');
  expect(reasons[5]?.text).toContain('cannot read 2 more object version(s)');
});

it('says in a line what was rehearsed and what was not', () => {
  const { rehearsal } = withRehearsal({
    buckets: [
      {
        ...rehearsed,
        read: 2,
        failed: [{ key: 'a', versionId: 'v', why: 'x' }],
        archived: 3,
        outOfReach: 4,
        annotations: 9,
      },
      { ...rehearsed, bucket: 'empty', objectVersions: 0, read: 0, customerKey: 5, gone: 6, annotationsOutOfReach: 7 },
    ],
  });
  expect(rehearsalLine(undefined, rehearsal)).toContain('names no role');
  expect(rehearsalLine(READERS, undefined)).toBe(`nothing was rehearsed as ${READERS}`);
  expect(rehearsalLine(READERS, rehearsal)).toBe(
    `dress rehearsal as ${READERS}: 2 object version(s) read without the key, 1 not readable without it, 9 annotation(s) read; not rehearsed: 3 archived, 5 under a customer's key, 4 under other keys, not for this role, 6 deleted meanwhile, 7 annotation(s), not for this role, empty is empty`,
  );
  const all = withRehearsal({}).rehearsal;
  expect(rehearsalLine(READERS, all)).toMatch(/, 0 not readable without it$/);
});

it('counts what is under each key that a version was once, and under no other', () => {
  const versionKeys = [
    { version: 'v1', keyArn: FORMER },
    { version: 'v1', keyArn: OLD },
    { version: 'v2', keyArn: ACTIVE },
  ];
  const evidence = { verdicts: [], aliasTargets: [], keyArns: new Map(), namedBuckets: [], versionKeys };
  expect(formerIn(evidence, 'v1', OLD)).toEqual([FORMER]);
  expect(formerIn(evidence, 'v1', undefined)).toEqual([FORMER, OLD]);
  const byKey = { [ACTIVE]: 4, [FORMER]: 1, [`DSSE:${FORMER}`]: 2, [`other:DSSE:${FORMER}`]: 8 };
  const [reason, ...more] = formerReasons({ ...verified, byKey }, [FORMER, OLD]);
  expect([reason?.text, more]).toEqual([expect.stringContaining(`holds 3 object version(s) under ${FORMER}`), []]);
});

it('opens when not every version was inspected, but S3 listed what is under the key', () => {
  expect(gateReasons(withBucket({ covers: [OLD], byKey: { [ACTIVE]: 1 } }))).toEqual([]);
});

const broken: readonly [string, GateInput, string][] = [
  [
    'custody of the active version is not proven',
    { ...sound, activeCustody: { proven: false, text: 'x' } },
    'custody-not-proven',
  ],
  ['KMS has no material of the active version', { ...sound, activeCustody: undefined }, 'custody-not-proven'],
  ['nothing was verified', { ...sound, verification: undefined }, 'not-verified'],
  ['a bucket was not verified', { ...sound, buckets: ['ledger', 'other'] }, 'not-verified'],
  [
    'the verification was against another key',
    { ...sound, verification: { activeKeyArn: OLD, buckets: [verified], changes: [], asOf: verified.at } },
    'not-verified',
  ],
  ['S3 listed what is under another key only', withBucket({ covers: [ACTIVE] }), 'key-not-covered'],
  ['nothing tells of this key', withBucket({ covers: [] }), 'key-not-covered'],
  [
    'an object is left',
    withBucket({ byKey: { [ACTIVE]: 1, [OLD]: 1 }, left: [straggler], leftTotal: 1 }),
    'objects-left',
  ],
  ['a count is left that names no object', withBucket({ byKey: { [OLD]: 1 } }), 'objects-left'],
  ['an object under DSSE is left', withBucket({ byKey: { [`DSSE:${OLD}`]: 1 } }), 'objects-left'],
  [
    'the re-encryption listed more than the verification',
    withBucket({
      comparisons: [{ with: 're-encryption', listedThere: 3, listedHere: 2, gone: 0, newer: 0, missing: 1 }],
    }),
    'not-accounted',
  ],
  ...['Updating', 'Creating', 'Unavailable', 'PendingDeletion', 'Unknown'].map((state) => {
    const [, active] = sound.observation.versions;
    const versions = [{ version: version('v1'), key: key(OLD, state) }, ...(active ? [active] : [])];
    const input = { ...sound, observation: { ...sound.observation, versions } };
    return [`the key is ${state}`, input, 'key-not-enabled'] as const satisfies (typeof broken)[number];
  }),
  [
    'the account does not add up',
    withBucket({ account: { ...verified.account, listed: 3 } as BucketVerification['account'], objectVersions: 3 }),
    'not-accounted',
  ],
  ['the account holds more than the totals', withBucket({ objectVersions: 1 }), 'not-accounted'],
  [
    'an object cannot be told',
    withBucket({ unknown: [{ key: 'a', versionId: 'v', reason: 'HeadObject 403' }], unknownTotal: 1 }),
    'objects-unknown',
  ],
  [
    'a moved version has annotations',
    withBucket({ annotations: { ...NONE, annotated: [{ key: 'a', versionId: 'v' }], annotatedTotal: 1 } }),
    'annotations-unknown',
  ],
  [
    'whether a moved version has annotations is not known',
    withBucket({ annotations: { ...NONE, unknownTotal: 1 } }),
    'annotations-unknown',
  ],
  [
    'a bucket is named no more that may hold objects under the key',
    { ...sound, dropped: [{ bucket: 'reports', verifiedAt: verified.at }] },
    'bucket-dropped',
  ],
  [
    'an upload is open',
    withBucket({
      openUploads: [{ key: 'a', uploadId: 'u', initiated: '2026-01-01T00:00:00.000Z', keyArn: undefined }],
      openUploadsTotal: 1,
    }),
    'uploads-open',
  ],
  [
    'uploads are open that the verification did not list',
    withBucket({ openUploadsTotal: 2, openUploads: [uploadOf('2026-11-24T01:00:00.000Z')] }),
    'uploads-open',
  ],
  [
    'an upload is open and this run has not seen the switch',
    {
      ...withBucket({ openUploadsTotal: 1, openUploads: [uploadOf('2026-11-24T01:00:00.000Z')] }),
      switchSeenAt: undefined,
    },
    'uploads-open',
  ],
  [
    'the key was used less than the days ago that the file asks for',
    {
      ...sound,
      unusedForDays: 30,
      users: {
        ...sound.users,
        use: {
          ...sound.users.use,
          now: { known: { operation: 'ReEncrypt', at: new Date('2026-10-25T00:10:00.001Z'), trackedSince: undefined } },
        },
      },
    },
    'used-recently',
  ],
  [
    'the active key expires within its warning time',
    {
      ...sound,
      observation: {
        ...sound.observation,
        versions: [
          { version: version('v1'), key: key(OLD, 'Enabled') },
          {
            version: version('v2'),
            key: { ...key(ACTIVE, 'Enabled'), validTo: new Date('2027-01-23T00:09:59.999Z') },
          },
        ],
      },
    },
    'active-key-expires',
  ],
  [
    'the verification is older than 15 minutes',
    { ...sound, now: Date.parse('2026-11-24T00:15:00.001Z') },
    'verification-too-old',
  ],
  [
    'something came under it while a long verification went on',
    {
      ...sound,
      verification: {
        activeKeyArn: ACTIVE,
        buckets: [verified],
        changes: [{ ...verified, covers: [], byKey: { [OLD]: 1 }, left: [straggler], leftTotal: 1 }],
        asOf: verified.at,
      },
    },
    'objects-left',
  ],
  [
    'the pass did not finish',
    { ...sound, reencryptions: [{ ...pass, complete: false, failedTotal: 1 }] },
    're-encryption-incomplete',
  ],
  [
    'the alias points elsewhere',
    { ...sound, observation: { ...sound.observation, aliasTarget: OLD } },
    'alias-not-switched',
  ],
  [
    'a bucket default points elsewhere',
    {
      ...sound,
      observation: {
        ...sound.observation,
        buckets: [{ name: 'ledger', default: { algorithm: 'aws:kms', keyArn: OLD, bucketKey: true } }],
      },
    },
    'bucket-default-not-switched',
  ],
  [
    'the active key is disabled',
    {
      ...sound,
      observation: { ...sound.observation, versions: [{ version: version('v2'), key: key(ACTIVE, 'Disabled') }] },
    },
    'active-key-not-enabled',
  ],
  ['a rehearsal is declared and there was none', { ...sound, rehearseAs: READERS }, 'rehearsal-not-possible'],
  [
    'the readers need the old key',
    withRehearsal({ buckets: [{ ...rehearsed, failed: [{ key: 'a', versionId: 'v', why: 'AccessDenied' }] }] }),
    'rehearsal-failed',
  ],
  [
    'the rehearsal shows nothing',
    withRehearsal({ impossible: ['the denial is not in force'] }),
    'rehearsal-not-possible',
  ],
  [
    'an object is under a key that the version was once',
    { ...withBucket({ byKey: { [ACTIVE]: 1, [`DSSE:${FORMER}`]: 1 } }), formerKeys: [FORMER] },
    'objects-left',
  ],
  [
    'the verification is of the future',
    { ...sound, now: Date.parse('2026-11-23T23:44:59.999Z') },
    'verification-too-old',
  ],
  [
    'another version is the same key',
    {
      ...sound,
      observation: {
        ...sound.observation,
        versions: [...sound.observation.versions, { version: version('old'), key: key(OLD, 'Enabled') }],
      },
    },
    'key-named-twice',
  ],
  ['the key to retire is the active key itself', { ...sound, keyArn: ACTIVE }, 'active-key-itself'],
];

it.each(broken)('refuses when %s', (_title, input, code) => {
  expect(gateReasons(input).map((reason) => reason.code)).toContain(code);
  let refusal: unknown;
  try {
    GatePass.open(input);
  } catch (error) {
    refusal = error;
  }
  expect(isCode(refusal, 'gate-refused')).toBe(true);
});

it.each<[string, Partial<RetireWaiver>, boolean]>([
  ['of the default of other buckets', { what: 'bucket-default' }, false],
  ['of the default of that bucket', { what: 'bucket-default', of: 'reports' }, false],
  ['that names no bucket', { what: 'dropped-bucket' }, false],
  ['of another bucket', { what: 'dropped-bucket', of: 'another' }, false],
  ['that is over', { what: 'dropped-bucket', of: 'reports', until: '2026-11-23' }, false],
  ['of its own', { what: 'dropped-bucket', of: 'reports' }, true],
])('knows whether a dropped bucket is set aside by a waiver %s', (_title, waiver, opens) => {
  const given = { what: 'dropped-bucket', reason: 'it was copied elsewhere', until: '2026-11-24', ...waiver } as const;
  const dropped = [{ bucket: 'reports', verifiedAt: undefined }];
  expect(gateReasons({ ...sound, dropped, waivers: [given] })).toHaveLength(opens ? 0 : 1);
});

it.each([
  ['u1', 1],
  ['a', 0],
  ['u', 2],
])('sets uploads aside by their key or, of several with one key, by their id (%s)', (of, left) => {
  const uploads = ['u1', 'u2'].map((uploadId) => ({ ...uploadOf('2026-11-24T01:00:00.000Z'), key: 'a', uploadId }));
  const input = withBucket({ openUploads: uploads, openUploadsTotal: 2 });
  const waiver = { what: 'upload', of, reason: 'its writer is known', until: '2026-11-24' } as const;
  expect(gateReasons({ ...input, waivers: [waiver] })).toHaveLength(left);
});

it('refuses with every reason at once', () => {
  const input = {
    ...withBucket({ byKey: { [OLD]: 3 }, leftTotal: 3, unknownTotal: 2 }),
    reencryptions: [{ ...pass, complete: false }],
  };
  expect(gateReasons(input).map((reason) => reason.code)).toEqual([
    'objects-left',
    'objects-unknown',
    're-encryption-incomplete',
  ]);
});

it('shows control characters of an object key instead of obeying them', () => {
  const [reason] = gateReasons(withBucket({ byKey: { [OLD]: 1 }, left: [straggler], leftTotal: 1 }));
  expect(reason?.text).toContain('"a\\u001b[31m"');
});

it('knows a pass from an object that looks like one', () => {
  expect(GatePass.isPass({ version: version('v1'), keyArn: OLD })).toBe(false);
});

it.each<[string, Partial<GateInput['observation']>, string]>([
  [
    'no version has the active key',
    {
      versions: [
        { version: version('v2'), key: undefined },
        { version: version('v1'), key: key(OLD, 'Enabled') },
      ],
    },
    `the active key ${ACTIVE} is not to be found, not Enabled`,
  ],
  [
    'the active key waits for its material',
    {
      versions: [
        { version: version('v2'), key: key(ACTIVE, 'PendingImport') },
        { version: version('v1'), key: key(OLD, 'Enabled') },
      ],
    },
    `the active key ${ACTIVE} is PendingImport, not Enabled`,
  ],
  ['there is no alias', { aliasTarget: undefined }, 'the main alias points at nothing, not at the active key'],
  ['the alias points elsewhere', { aliasTarget: OLD }, `the main alias points at ${OLD}, not at the active key`],
  [
    'a bucket has no default',
    { buckets: [{ name: 'ledger', default: undefined }] },
    'new objects in ledger go under no KMS key of ours, not under the active key',
  ],
  [
    'a bucket default is another key',
    { buckets: [{ name: 'ledger', default: { algorithm: 'aws:kms', keyArn: OLD, bucketKey: true } }] },
    `new objects in ledger go under ${OLD}, not under the active key`,
  ],
])('says what it saw when %s', (_title, seen, text) => {
  const reasons = gateReasons({ ...sound, observation: { ...sound.observation, ...seen } });
  expect(reasons.map((reason) => reason.text)).toEqual([text]);
});
