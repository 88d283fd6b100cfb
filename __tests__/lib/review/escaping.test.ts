import fc from 'fast-check';
import { reviewJson } from '../../../lib/review/review-json';
import { MARKDOWN_LIMIT, reviewMarkdown } from '../../../lib/review/review-markdown';
import { reviewSarif } from '../../../lib/review/review-sarif';
import { runs } from '../../runner/slow';
import { keyChange, planText, reviewText } from './plan-texts';

const HOSTILE = [
  '::error file=a::owned',
  '##[command]rm',
  '`a``b`',
  '</details><script>alert(1)</script>',
  '[link](https://evil.example)',
  '@octocat #1',
  '{0} {{1}}',
  '\u001b[31mred\u001b[0m',
  '\u0007\u009b\u202e\u200b\ufeff\u2028\ud800',
  '\n::set-output name=x::y\r\n## heading\n- item\n| cell |',
  '   ',
  '`',
] as const;

const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 4 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

/** A review in which the hostile text stands as an address, an alias, a principal and a reason. */
const reviewed = (text: string) => {
  const policy = JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: { AWS: text }, Action: 'kms:*' }] });
  const foreign = { ...keyChange(), address: `aws_s3_bucket.${text}`, type: 'aws_s3_bucket' };
  const plan = planText([keyChange({ after: { policy, tags: { 'keyturn:rotation': 'test' } } }), foreign]);
  const waivers = [
    { rule: 'KT070', address: `aws_s3_bucket.${text}`, reason: `because of ${text}`, until: '2026-12-31' },
  ];
  return reviewText(plan, {}).then((review) => ({
    ...review,
    waived: review.findings.slice(0, 1).map((finding) => ({ ...finding, waiver: waivers[0] as (typeof waivers)[0] })),
  }));
};

const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not come through
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])/;

/** What a workflow runner would obey: `::x::` at the start of a line, `##[x]` anywhere. */
const obeyed = (text: string) => text.split(/\r\n|\r|\n/).filter((line) => /^\s*::/.test(line) || line.includes('##['));

describe('hostile names', () => {
  it('stay text in Markdown: they stand in code spans, on lines that begin with our words', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const markdown = reviewMarkdown(await reviewed(text));
        expect(markdown).not.toMatch(STEERING);
        expect(obeyed(markdown)).toEqual([]);
        for (const line of markdown.split('\n')) {
          expect(line).toMatch(/^($|##? ?#* |\d+ refused|- | {2}- |\*\*\d+ more lines)/);
          expect(outsideCode(line)).not.toMatch(/<|@|https?:|\]\(|`|#\d/);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it('stay text in JSON, and are the same text once it is parsed', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const review = await reviewed(text);
        const json = reviewJson(review);
        expect(json).not.toMatch(STEERING);
        expect(obeyed(json)).toEqual([]);
        const { findings } = JSON.parse(json) as { findings: { address?: string }[] };
        expect(findings.map((one) => one.address)).toContain(`aws_s3_bucket.${text}`);
      }),
    );
  });

  it('stay text in SARIF: no link and no placeholder is made of them', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const sarif = reviewSarif(await reviewed(text));
        expect(sarif).not.toMatch(STEERING);
        expect(obeyed(sarif)).toEqual([]);
        const { runs } = JSON.parse(sarif) as { runs: { results: { message: { text: string } }[] }[] };
        for (const { message } of runs.flatMap((run) => run.results)) {
          expect(message.text.replace(/\\[\\[\]]/g, '')).not.toMatch(/[[\]]/);
          expect(message.text.replaceAll('{{', '').replaceAll('}}', '')).not.toMatch(/[{}]/);
        }
      }),
    );
  });
});

describe('a review of very many findings', () => {
  it('still fits a comment, and counts the omitted lines', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({
      ...keyChange(),
      address: `aws_s3_bucket.n${index}${'`'.repeat(300)}`,
      type: 'aws_s3_bucket',
    }));
    const review = await reviewText(planText([keyChange(), ...many]));
    const markdown = reviewMarkdown(review);
    expect(markdown.length).toBeLessThanOrEqual(MARKDOWN_LIMIT);
    expect(markdown).toMatch(/\*\*\d+ more lines do not fit here\*\*/);
    expect(JSON.parse(reviewJson(review)).findings).toHaveLength(5000);
  });
});

/** What is left of a line when its code spans are taken out, as CommonMark finds them: equal runs of backticks. */
function outsideCode(line: string): string {
  return line.replace(/(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, '');
}
