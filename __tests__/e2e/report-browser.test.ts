import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openEvidence } from '../../lib/evidence/evidence';
import { evidenceReport } from '../../lib/evidence/html-report';
import { Browser, findBrowser, type Page } from '../support/browser';

/** Where there is no browser the test says so by its title; CI installs one, and without it there this fails. */
const chromium = findBrowser();
const looked = chromium === undefined && !process.env.CI ? describe.skip : describe;

jest.setTimeout(120_000);

looked('a report in a real browser (needs Chromium on PATH)', () => {
  let directory: string;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    if (chromium === undefined) throw new Error('no Chromium on PATH: CI must have one');
    directory = await mkdtemp(path.join(tmpdir(), 'keyturn-looked-'));
    await recordRun(directory);
    const file = path.join(directory, 'report.html');
    await writeFile(file, (await evidenceReport(directory)).html);
    browser = new Browser(chromium);
    page = await browser.open(pathToFileURL(file).href);
  });

  afterAll(async () => {
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('loads nothing but itself, and breaks no rule of its own policy', () => {
    const asked = browser.heard('Network.requestWillBeSent').map((one) => (one.request as { url: string }).url);
    expect(asked).toHaveLength(1);
    expect(browser.heard('Log.entryAdded')).toEqual([]);
    expect(browser.heard('Runtime.exceptionThrown')).toEqual([]);
  });

  it('takes its style, by the hash in its policy', async () => {
    expect(await page.evaluate("getComputedStyle(document.querySelector('.verdict')).borderLeftStyle")).toBe('solid');
  });

  it.each(['light', 'dark'] as const)('is read with enough contrast in the %s scheme', async (scheme) => {
    await page.show(scheme);
    const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(luminance(background) > 0.5).toBe(scheme === 'light');
    const poor = (await page.evaluate<{ text: string; ink: string; ground: string }[]>(CONTRASTS)).filter(
      ({ ink, ground }) => contrast(ink, ground) < 4.5,
    );
    expect(poor).toEqual([]);
  });

  it.each([360, 1200])(
    'fits a window %d pixels wide: tables scroll in their own frame, drawings too',
    async (width) => {
      await page.send('Emulation.setDeviceMetricsOverride', {
        width,
        height: 800,
        deviceScaleFactor: 1,
        mobile: false,
      });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      const cut = await page.evaluate(
        "[...document.querySelectorAll('svg')].filter(s => !s.closest('.scroll') && s.getBoundingClientRect().right > innerWidth).length",
      );
      expect(cut).toBe(0);
    },
  );

  it('reads on a phone: every verdict, state and outcome is on the screen without scrolling sideways', async () => {
    await page.send('Emulation.setDeviceMetricsOverride', {
      width: 390,
      height: 844,
      deviceScaleFactor: 1,
      mobile: false,
    });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    const marks = await page.evaluate<{ text: string; left: number; right: number }[]>(
      "[...document.querySelectorAll('.mark, td')].map(e => ({ text: e.textContent.slice(0, 30), left: e.getBoundingClientRect().left, right: e.getBoundingClientRect().right }))",
    );
    expect(marks.map(({ text }) => text)).toEqual(expect.arrayContaining(['refused', 'closed', 'finished']));
    expect(marks.filter(({ left, right }) => left < 0 || right > 390)).toEqual([]);
    const label = await page.evaluate(
      "getComputedStyle(document.querySelector('td[data-label=verdict]'), '::before').content",
    );
    expect(label).toContain('verdict');
  });

  it('draws bars and lanes that can be seen', async () => {
    const sizes = await page.evaluate<{ kind: string; width: number }[]>(
      "[...document.querySelectorAll('figure rect')].map(r => ({ kind: r.getAttribute('class'), width: r.getBoundingClientRect().width }))",
    );
    for (const kind of ['Enabled', 'PendingImport', 'Disabled', 'moved edge', 'there edge', 'blocked edge'])
      expect(sizes.filter((one) => one.kind === kind && one.width >= 1)).not.toEqual([]);
  });

  it('goes by keyboard: first to the report itself, then to each table that scrolls', async () => {
    await page.evaluate('document.activeElement.blur()');
    await page.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('skip');
    await page.press('Tab');
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).toBe('region');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
  });

  it('prints dark on light whatever the scheme, without a table cut off at the side', async () => {
    await page.show('dark', 'print');
    expect(luminance(await page.evaluate('getComputedStyle(document.body).backgroundColor'))).toBeGreaterThan(0.9);
    await page.send('Emulation.setDeviceMetricsOverride', {
      width: 720,
      height: 1000,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const cut = await page.evaluate(
      "[...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().right > 721).map(t => t.caption.textContent)",
    );
    expect(cut).toEqual([]);
    const { data } = await page.send<{ data: string }>('Page.printToPDF', { printBackground: false });
    expect(Buffer.from(data, 'base64').subarray(0, 5).toString()).toBe('%PDF-');
  });
});

/** Every text of the page with its colour and the nearest background behind it. */
const CONTRASTS = `[...document.querySelectorAll('body *')]
  .filter(e => !e.closest('svg') && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim() !== ''))
  .map(e => { let b = e; while (b.parentElement && /rgba\\(0, 0, 0, 0\\)/.test(getComputedStyle(b).backgroundColor)) b = b.parentElement;
    return { text: e.textContent.slice(0, 40), ink: getComputedStyle(e).color, ground: getComputedStyle(b).backgroundColor }; })`;

/** Relative luminance. @see https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => {
    const value = Number(part) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const arn = (version: string) =>
  `arn:aws:kms:ap-northeast-1:111122223333:key/${version.repeat(4)}-0000-4000-8000-000000000000`;

async function recordRun(into: string): Promise<void> {
  const run = await openEvidence({ directory: into, command: 'rotate', rotation: 'photos' });
  const state = (active: string, states: Readonly<Record<string, string>>) => ({
    versions: Object.entries(states).map(([name, one]) => ({ name, keyArn: arn(name), state: one })),
    aliasTarget: arn(active),
    buckets: [{ name: 'photos-originals', default: { algorithm: 'aws:kms', keyArn: arn(active), bucketKey: true } }],
  });
  await run.record('run', 'begin', {
    rotation: 'photos',
    region: 'ap-northeast-1',
    identity: { account: '111122223333', arn: `arn:aws:sts::111122223333:assumed-role/${'deploy-'.repeat(8)}/ci` },
    rotationFile: { name: 'rotation.yaml', sha256: 'a'.repeat(64), commit: 'b'.repeat(40), asCommitted: false },
    tools: { keyturn: '0.1.0' },
  });
  await run.record('review', 'declare-keys', {
    stack: 'keys',
    verdict: 'refused',
    findings: [{ rule: 'KT054', address: 'aws_kms_alias.main' }],
    waived: [],
  });
  await run.record('state', 'declare-keys', state('v1', { v1: 'Enabled', v2: 'PendingImport' }));
  await run.record('state', 'switch', state('v2', { v1: 'Enabled', v2: 'Enabled' }));
  const key = `photos/${'a-very-long-name-without-a-break/'.repeat(20)}<b>.jpg`;
  const blocked = [
    {
      key,
      versionId: 'x'.repeat(32),
      reason: 'compliance-retention',
      detail: 'locked until then',
      earliest: '2027-03-01T00:00:00.000Z',
    },
  ];
  const pass = {
    bucket: 'photos-originals',
    method: 'rewrap',
    moved: 100_000,
    alreadyThere: 3,
    blocked,
    blockedTotal: 1,
  };
  await run.record('outcome', 're-encrypt', { outcome: 'changed', summary: 'moved', passes: [pass] });
  await run.record('gate', 'retire', {
    version: 'v1',
    open: false,
    reasons: [{ code: 'objects-left', text: `it holds ${key}` }],
  });
  await run.record('state', 'retire', state('v2', { v1: 'Disabled', v2: 'Enabled' }));
  await run.close('finished');
}
