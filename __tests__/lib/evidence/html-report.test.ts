import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { XMLParser } from 'fast-xml-parser';
import { openEvidence } from '../../../lib/evidence/evidence';
import { evidenceReport } from '../../../lib/evidence/html-report';
import { escapeHtml } from '../../../lib/evidence/report-html';
import { runs } from '../../runner/slow';
import { speak } from '../../support/command-line';

const V1 = 'arn:aws:kms:ap-northeast-1:111122223333:key/1';
const V2 = 'arn:aws:kms:ap-northeast-1:111122223333:key/2';
const HOSTILE = '<script>alert(1)</script><img src=x onerror="x">\u202e\u001b[31m';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'keyturn-report-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const state = (active: string, v1: string) => ({
  versions: [
    { name: 'v1', keyArn: V1, state: v1 },
    { name: 'v2', keyArn: V2, state: 'Enabled' },
  ],
  aliasTarget: active,
  buckets: [{ name: 'photos', default: { algorithm: 'aws:kms', keyArn: active, bucketKey: true } }],
});

const pass = {
  bucket: 'photos',
  method: 'rewrap',
  objectVersions: 1050,
  alreadyThere: 7,
  moved: 1042,
  movedBytes: 9,
  gone: 0,
  blocked: [
    { key: HOSTILE, versionId: 'a', reason: 'legal-hold', detail: 'a legal hold is on' },
    {
      key: 'ledger',
      versionId: 'b',
      reason: 'compliance-retention',
      detail: 'locked',
      earliest: '2027-03-01T00:00:00Z',
    },
  ],
  blockedTotal: 2,
  failed: [],
  failedTotal: 0,
  requests: 3000,
};

async function rotated(key = HOSTILE): Promise<string> {
  const run = await openEvidence({ directory, command: 'rotate', rotation: 'photos' });
  const rotationFile = { name: 'rotation.yaml', sha256: 'a'.repeat(64), commit: 'b'.repeat(40), asCommitted: true };
  const identity = { account: '111122223333', arn: `arn:aws:sts::111122223333:assumed-role/deploy/${key}` };
  await run.record('run', 'begin', {
    rotation: 'photos',
    region: 'ap-northeast-1',
    identity,
    rotationFile,
    tools: { keyturn: '0.1.0' },
  });
  await run.record('state', 'begin', state(V1, 'Enabled'));
  const findings = [{ rule: 'KT031', severity: 'warning', address: `aws_kms_alias.${key}` }];
  await run.record('review', 'switch', { stack: 'storage', verdict: 'decide', findings, waived: [] });
  await run.record('outcome', 'switch', { outcome: 'changed', summary: {}, tools: { terraform: 'Terraform 1.11.4' } });
  await run.record('state', 'switch', state(V2, 'Enabled'));
  await run.record('outcome', 're-encrypt', { outcome: 'changed', passes: [pass] });
  const reasons = [{ code: 'objects-left', text: 'photos holds 2 object version(s) under it' }];
  await run.record('gate', 'retire', { version: 'v1', open: false, reasons });
  await run.close('gate-refused');
  return run.file;
}

const page = async () => (await evidenceReport(directory)).html;
const textOf = (html: string) =>
  html
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

it('reports that the evidence is sound, who did what where, and why the gate stayed closed', async () => {
  await rotated();
  const text = textOf(await page());
  for (const part of [
    'Sound',
    '111122223333',
    'ap-northeast-1',
    'keyturn 0.1.0, Terraform 1.11.4',
    'bbbbbbbbbbbb',
    'gate-refused',
  ])
    expect(text).toContain(part);
  expect(text).toContain('photos holds 2 object version(s) under it objects-left');
  expect(text).toContain('storage decide KT031 aws_kms_alias.');
  expect(text).toMatch(/photos rewrap 1,042 7 2 0 0/);
});

it('shows what was waived, and what was found once the key was Disabled', async () => {
  const run = await openEvidence({ directory, command: 'post-apply', rotation: 'photos' });
  const reason = { code: 'granted', text: `a grant is on it (${HOSTILE})` };
  const waiver = { what: 'grant', reason: 'the backup vault keeps copies', until: '2027-01-31' };
  await run.record('gate', 'retire', { version: 'v1', open: true, waived: [{ reason, waiver }] });
  const reasons = [{ code: 'objects-left', text: 'photos holds 1 object version(s) under it' }];
  await run.record('look', 'retire', { version: 'v1', keyArn: V1, clean: false, reasons, buckets: [] });
  await run.record('taken-back', 'retire', { version: 'v1', keyArn: V1, enabled: true, reasons });
  await run.close('retire-taken-back');
  const html = await page();
  expect(html).not.toContain('<script>');
  const text = textOf(html);
  expect(text).toContain('waived until 2027-01-31 (the backup vault keeps copies): a grant is on it');
  expect(text).toContain('v1 needed photos holds 1 object version(s) under it objects-left');
  expect(text).toContain('v1 enabled again photos holds 1 object version(s) under it');
});

it('shows each dress rehearsal and each look at a pin, with what came of it', async () => {
  const run = await openEvidence({ directory, command: 'post-apply', rotation: 'photos' });
  await run.record('run', 'begin', { rotation: 'photos' });
  const bucket = { bucket: 'photos', read: 7, failed: [], archived: 2, customerKey: 0, outOfReach: 1, gone: 0 };
  const rehearsed = {
    version: 'v1',
    role: 'arn:aws:iam::111122223333:role/readers',
    buckets: [bucket],
    impossible: [],
  };
  await run.record('dress-rehearsal', 'retire', rehearsed);
  const failed = [{ key: HOSTILE, why: 'AccessDenied' }];
  await run.record('dress-rehearsal', 'retire', { ...rehearsed, buckets: [{ ...bucket, failed }] });
  await run.record('dress-rehearsal', 'retire', { ...rehearsed, impossible: ['the denial is not in force'] });
  await run.record('dress-rehearsal', 'retire', { version: 'v0', rehearsed: false, because: 'no role is named' });
  const pin = { bucket: 'photos', keyArn: V2, inForce: true, at: 0 };
  const pins = [pin, { ...pin, bucket: 'films', inForce: false, because: 'films has no policy' }];
  await run.record('pinned-writers', 'retire', { pins });
  await run.record('gate', 'retire', { version: 'v1', open: true, waived: [] });
  await run.close('finished');
  const html = await page();
  expect(html).not.toContain('<script>');
  const text = textOf(html);
  const role = 'arn:aws:iam::111122223333:role/readers';
  expect(text).toContain(`v1 ${role} the key is not needed 7 2 archived, 1 under other keys, not for this role`);
  expect(text).toMatch(/the key is needed .* in photos needs the key: AccessDenied 7/);
  expect(text).toContain('shows nothing the denial is not in force 7');
  expect(text).toContain('v0 nobody none no role is named 0 everything');
  expect(text).toContain(`photos ${V2} yes the policy and the default name it`);
  expect(text).toContain(`films ${V2} no films has no policy`);
});

it('shows what jobs were asked for and what came of them, and what a verification stands on', async () => {
  const run = await openEvidence({ directory, command: 'post-apply', rotation: 'photos' });
  const spec = { Description: `keyturn photos: rewrap photos ${HOSTILE}`, RoleArn: 'arn:aws:iam::111122223333:role/r' };
  await run.record('job', 're-encrypt', { bucket: 'photos', specSha256: 'c'.repeat(64), spec });
  const job = {
    jobId: 'job-1',
    attempt: 1,
    part: 'all',
    specSha256: 'c'.repeat(64),
    status: 'Failed',
    states: [],
    total: 1050,
    succeeded: 1040,
    failed: 10,
    report: {
      manifestKey: 'reports/job-1/manifest.json',
      manifestSha256: 'd'.repeat(64),
      files: [{ key: 'reports/job-1/results/x.csv', md5: 'e'.repeat(32), rows: 1050, status: 'succeeded' }],
      errors: { SlowDown: 10 },
    },
    failureReasons: ['too many'],
  };
  await run.record('outcome', 're-encrypt', { passes: [{ ...pass, engine: 'batch', jobs: [job] }] });
  const sources = {
    heads: { 'a sample': 20 },
    notInspected: 1030,
    generated: [{ jobId: 'job-2', underKeyArn: V1, rows: 0 }],
    disagreementsTotal: 1,
  };
  const verified = {
    bucket: 'photos',
    objectVersions: 1050,
    leftTotal: 0,
    unknownTotal: 0,
    openUploadsTotal: 0,
    account: { listed: 1050, underActive: 15, left: 0, outOfScope: 4, unknown: 0, gone: 1, notInspected: 1030 },
    comparisons: [{ with: 're-encryption', listedThere: 1049, listedHere: 1048, gone: 1, newer: 2, missing: 0 }],
    secondHeads: { versions: 10, contradictions: 0 },
    sources,
  };
  await run.record('outcome', 'verify', { buckets: [verified] });
  await run.close('finished');
  const html = await page();
  const text = textOf(html);
  expect(html).not.toContain('<script');
  expect(text).toMatch(/photos rewrap by jobs 1,042/);
  expect(text).toMatch(/job-1 photos, attempt 1 all Failed too many 1,050 1,040 10/);
  expect(text).toMatch(/results\/x\.csv 1,050 MD5 e{32}/);
  expect(text).toContain('failed tasks: 10 SlowDown');
  expect(text).toMatch(/photos 1,050 15 0 4 0 1 1,030 0 0/);
  expect(text).toContain('HEAD of 10 repeated by another client: 0 had another answer');
  expect(text).toContain('with the re-encryption: 1,049 listed there, 1,048 here, 1 gone, 2 newer, 0 missing');
  expect(text).toMatch(/HEAD of 20: a sample .*generated by S3: 0 row\(s\), job job-2 1,030 not checked by HEAD/);
});

it('lists the blocked set by the earliest date, those without one last', async () => {
  await rotated();
  const html = await page();
  expect(html.indexOf('2027-03-01 00:00:00 UTC')).toBeLessThan(html.indexOf('no date known'));
  expect(html).toContain('a legal hold is on');
});

it('shows the key state of each version over the run, and which was active', async () => {
  await rotated();
  const [lanes] = /<svg[^>]*aria-label="Key state.*?<\/svg>/s.exec(await page()) ?? [];
  expect(lanes).toContain('v1: Enabled, Enabled; v2: Enabled, Enabled');
  expect(lanes?.match(/<line class="active"/g)).toHaveLength(2);
});

it('is the same bytes for the same evidence', async () => {
  await rotated();
  expect(await page()).toBe(await page());
});

describe('evidence that is not sound', () => {
  const flip = async (file: string) => writeFile(file, (await readFile(file, 'utf8')).replace('1042', '1043'));

  it('is reported first when one byte was flipped', async () => {
    await flip(await rotated());
    const { html, check } = await evidenceReport(directory);
    expect(check.faults.map((fault) => fault.code)).toEqual(['wrong-hash']);
    expect(textOf(html)).toMatch(/Evidence of photos Not sound: do not rely on this report/);
    expect(html).not.toContain('class="verdict sound"');
  });

  it('is reported when a run is missing, and when the end of one is', async () => {
    const first = await rotated();
    const second = await rotated();
    await rm(first);
    expect(textOf(await page())).toContain('which is missing');
    const lines = (await readFile(second, 'utf8')).split('\n');
    await writeFile(second, `${lines.slice(0, 3).join('\n')}\n`);
    expect(textOf(await page())).toContain('not closed');
  });

  it('does not fail on records of any form', async () => {
    const file = await rotated();
    const good = (await readFile(file, 'utf8')).trimEnd().split('\n');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.constantFrom('state', 'outcome', 'gate', 'run', 'dress-rehearsal', 'pinned-writers'),
        async (values, type) => {
          const odd = values.map((data) =>
            JSON.stringify({
              seq: 1,
              at: 'x',
              type,
              step: 're-encrypt',
              hash: '',
              data: { passes: data, versions: data, buckets: data },
            }),
          );
          await writeFile(file, [...odd, 'no json', ...good].join('\n'));
          expect(await page()).toContain('Not sound');
        },
      ),
      { numRuns: runs(40) },
    );
  });
});

describe('the page stands alone and obeys nobody', () => {
  it('loads nothing and runs nothing, and its policy says so', async () => {
    await rotated();
    const html = await page();
    expect(html).toContain("default-src 'none'; style-src 'sha256-");
    const tags = [...html.matchAll(/<([a-z0-9]+)/gi)].map(([, tag]) => tag?.toLowerCase());
    for (const tag of [
      'script',
      'link',
      'img',
      'iframe',
      'object',
      'embed',
      'form',
      'base',
      'audio',
      'video',
      'use',
      'image',
    ])
      expect(tags).not.toContain(tag);
    const places = [...html.matchAll(/\s(?:src|href|action|style|on\w+)="([^"]*)"/gi)].map(([, value]) => value);
    expect(places).toEqual(['#report']);
  });

  it('keeps every name text', async () => {
    await rotated();
    const html = await page();
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).toContain('\\u{202e}\\u{1b}[31m');
    expect(html.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('escapes any text so that it reads the same and holds no markup', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"'`]/);
        expect(escaped).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });

  it('is well formed: every element is closed where it should be', async () => {
    await rotated();
    const body = (await page()).replace(/<!doctype html>|<meta[^>]*>/g, '');
    const parsed = new XMLParser({ ignoreAttributes: false, allowBooleanAttributes: true }).parse(body, true);
    expect(Object.keys(parsed.html)).toEqual(expect.arrayContaining(['head', 'body']));
  });
});

it('works from the command line: the page to a file, exit 1 and a page for evidence with a fault', async () => {
  const file = await rotated();
  const run = async (...args: string[]) => (await speak(directory, ['report', ...args])).exitCode;
  expect(await run('.', '--out', 'report.html')).toBe(0);
  expect(await readFile(path.join(directory, 'report.html'), 'utf8')).toBe(await page());
  expect(await run(file, '--json')).toBe(64);
  await writeFile(file, (await readFile(file, 'utf8')).replace('1042', '1043'));
  expect(await run('.', '--out', 'report.html')).toBe(1);
  expect(await readFile(path.join(directory, 'report.html'), 'utf8')).toContain('Not sound');
});
