import fc from 'fast-check';
import { FORECAST_COLUMNS, forecastRows } from '../../../lib/forecast/forecast-text';
import { harmlessLines, mdBlock, mdCode, mdText } from '../../../lib/proposals/markdown';
import { propose } from '../../../lib/proposals/proposal';
import { type BodyInput, proposalBody } from '../../../lib/proposals/proposal-body';
import { parseRotation } from '../../../lib/rotation/rotation-file';

const TEXT = `name: photos
region: ap-northeast-1
alias: alias/photos
keyVersions:
  - name: v1
  - name: v2
activeVersion: v1
buckets:
  - name: photos-originals
    manage: encryption
retire: { verifyOnlyBuckets: [photos-replica] }
`;

async function bodyOf(more: Partial<BodyInput> = {}, text = TEXT): Promise<string> {
  const rotation = await parseRotation(text, '/r/rotation.yaml', { now: new Date(), expired: 'accept' });
  const proposal = propose(rotation, text, { kind: 'switch', version: undefined, materialValidTo: undefined });
  return proposalBody({
    rotation,
    proposal,
    shownFile: 'rotation.yaml',
    observed: {
      key: { arn: 'arn:aws:kms:ap-northeast-1:111122223333:key/1', state: 'Enabled' },
      account: '111122223333',
    },
    binding: undefined,
    access: [],
    forecast: {
      known: true,
      method: 'rewrap',
      columns: FORECAST_COLUMNS,
      rows: forecastRows([
        {
          bucket: 'photos-originals',
          objectVersions: 1234567,
          outOfScope: 3,
          toMove: 1234000,
          bytes: 1024 ** 4,
          blocked: 2,
          unknown: 1,
          requests: 4000000,
          seconds: 1201,
          cost: { amount: 21.5, currency: 'USD' },
        },
      ]),
      basis: ['List prices of 2026-11-24'],
    },
    ...more,
  });
}

it('shows what changes, why it is safe, what comes next, and the forecast in numbers', async () => {
  const body = await bodyOf();
  for (const part of [
    '-activeVersion: v1\n+activeVersion: v2',
    'stays enabled: every existing object stays readable',
    'photos-replica',
    'npx keyturn post-apply',
    '| `photos-originals` | 1,234,567 | 1,234,000 | 1.0 TiB | 3 | 3 | 4,000,000 | 21 min | 21.50 USD |',
  ])
    expect(body).toContain(part);
});

it('warns when the target key is not Enabled yet', async () => {
  const waiting = await bodyOf({ observed: { key: { arn: 'a', state: 'PendingImport' }, account: '1' } });
  expect(waiting).toContain('**Do not merge yet**');
  expect(waiting).toContain('npx keyturn pre-apply');
  expect(await bodyOf()).not.toContain('Do not merge yet');
});

it('names no command that refuses where the stacks are the team’s own', async () => {
  const off: Partial<BodyInput> = { observed: { key: { arn: 'a', state: 'Disabled' }, account: '1' } };
  expect(await bodyOf(off)).toContain('`npx keyturn rollback`, which does all steps');
  const own = await bodyOf(off, `${TEXT}terraform: { stacks: { keys: security, storage: [data] } }\n`);
  expect(own).toContain('`aws kms enable-key --key-id a`');
  expect(own).not.toMatch(/npx keyturn (rotate|plan|apply|rollback|drift)\b/);
});

it('states for a rotation in place that no object moves and that it cannot be rolled back', async () => {
  const body = await bodyOf({}, TEXT.replace('alias:', 'strategy: in-place\nalias:').replace(/retire:.*\n/, ''));
  expect(body).toContain('**This cannot be rolled back**');
  expect(body).not.toContain('re-encrypted');
});

it('states why there is no forecast', async () => {
  expect(await bodyOf({ forecast: { known: false, why: 'AWS was not read' } })).toContain(
    'Not given: AWS was not read.',
  );
});

it('keeps within what a pull request takes, whatever the file holds', async () => {
  const comments = '# `` ```` padding of a comment\n'.repeat(4000);
  const body = await bodyOf({}, TEXT.replace('activeVersion: v1\n', `activeVersion: v1\n${comments}`));
  expect(body.length).toBeLessThan(60_000);
  const rewritten = await bodyOf({
    proposal: {
      ...(await bodyInputProposal()),
      before: comments,
      after: comments.replaceAll('padding', 'other'),
    },
  });
  expect(rewritten.length).toBeLessThan(60_000);
  expect(rewritten).toContain('The diff is too long');
});

async function bodyInputProposal() {
  const rotation = await parseRotation(TEXT, '/r/rotation.yaml', { now: new Date(), expired: 'accept' });
  return propose(rotation, TEXT, { kind: 'switch', version: undefined, materialValidTo: undefined });
}

describe('text from outside stays text', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '[x](javascript:1)',
      '<img src=x onerror=1>',
      '@everyone',
      '\u001b[31mred',
      '::error::x',
      '\u202e',
      '```',
      '|',
      '\n# h',
    ),
  );

  it('has no character left in a paragraph that Markdown, HTML or a terminal would obey', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(mdText(text).replace(/&#\d+;/g, '')).toMatch(/^[\p{L}\p{N} ,.\-/]*$/u);
      }),
    );
  });

  it('cannot end the code span or block that it stands in', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const span = mdCode(text);
        expect(span).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        if (span !== '(empty)') {
          const fence = /^`+/.exec(span)?.[0] ?? '';
          expect(span.slice(fence.length, -fence.length).match(/`+/g) ?? []).not.toContain(fence);
        }
        const block = mdBlock('diff', `${text}\nmore`).split('\n');
        const open = /^`+/.exec(block[0] ?? '')?.[0] ?? '';
        expect(open.length).toBeGreaterThanOrEqual(3);
        expect(block.slice(1, -1).join('\n')).not.toContain(open);
        expect(block.at(-1)).toBe(open);
      }),
    );
  });

  it('leaves a plain diff as it is', () => {
    expect(harmlessLines('+  - name: v2\n \tx\n')).toBe('+  - name: v2\n \tx\n');
    expect(harmlessLines('+# \u001b]8;;http://x\u0007')).toBe('+# \\u{1b}]8;;http://x\\u{7}');
  });
});

describe('who loses access', () => {
  const rows = [
    {
      who: 'arn:aws:iam::1:role/a"] --> x',
      may: 'read through S3',
      after: 'loses it',
      fix: 'keyPolicy.users: …',
      stops: false,
    },
  ];
  const access = [{ from: 'v1', rows, unread: ['grants on the key of v1: denied'], notRead: ['CloudTrail'] }];

  it('is a table and a graph in which names stay names', async () => {
    const body = await bodyOf({ access });
    expect(body).toContain('| `arn:aws:iam::1:role/a"] --> x` | read through S3 | loses it | `keyPolicy.users: …` |');
    expect(body).toContain('  who0["arn:aws:iam::1:role/a#34;#93; --#62; x"] -->|"read through S3"| old');
    expect(body).toContain('- Could not be read: grants on the key of v1&#58; denied');
    expect(body).toContain('- Not looked at: CloudTrail.');
  });

  it('is never nobody where something could not be read, or nothing was', async () => {
    const nobody = { from: 'v1', rows: [], unread: [], notRead: ['CloudTrail'] };
    expect(await bodyOf({ access: [nobody] })).toContain('Nobody loses access from the key of `v1` to that of `v2`');
    expect(await bodyOf({ access: [{ ...nobody, unread: ['x'] }] })).not.toContain('Nobody');
    expect(await bodyOf({ access: undefined })).toContain('Not given: AWS was not read, or no key');
  });

  it('is left out in place, where the key stays', async () => {
    const inPlace = TEXT.replace('keyVersions', 'strategy: in-place\nkeyVersions').replace(/retire.*\n/, '');
    expect(await bodyOf({ access }, inPlace)).not.toContain('Who loses access');
  });
});
