/** Rotation files for the tests: the fewest fields, as data and as text, and arbitrary ones. */
import fc from 'fast-check';
import { stringify } from 'yaml';
import { type FileFault, isCode } from '../../../lib/errors';
import type { Rotation } from '../../../lib/rotation/rotation';
import { type ParseOptions, parseRotation } from '../../../lib/rotation/rotation-file';

export const NOW = new Date('2026-11-24T00:00:00Z');

export const minimal = (): Record<string, unknown> => ({
  name: 'test',
  region: 'ap-northeast-1',
  alias: 'alias/test',
  keyVersions: [{ name: 'v1' }],
  activeVersion: 'v1',
  buckets: [{ name: 'test-bucket', manage: 'bucket' }],
});

/** The minimal file with fields replaced or added. */
export const textWith = (change: Record<string, unknown> = {}): string =>
  stringify({ ...minimal(), ...change }, { aliasDuplicateObjects: false });

export const parse = (text: string, options: Partial<ParseOptions> = {}): Promise<Rotation> =>
  parseRotation(text, 'rotation.yaml', { now: NOW, ...options });

/** The faults of a text; empty where it parses. */
export async function faultsOf(text: string, options: Partial<ParseOptions> = {}): Promise<readonly FileFault[]> {
  try {
    await parse(text, options);
    return [];
  } catch (error) {
    if (isCode(error, 'rotation-file-invalid')) return error.facts.faults;
    throw error;
  }
}

const word = (most: number) => fc.stringMatching(new RegExp(`^[a-z0-9][a-z0-9-]{0,${most - 1}}$`));

const bucketName = fc
  .stringMatching(/^[a-z0-9][a-z0-9-]{1,40}[a-z0-9]$/)
  .filter((name) => !/^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ola-s3|--x-s3|--table-s3)$/.test(name));

const versionRest = fc.oneof(
  fc.constant({}),
  fc.record({
    materialValidTo: fc
      .integer({ min: 1, max: 364 })
      .map((days) => `${new Date(NOW.getTime() + days * 86_400_000).toISOString().slice(0, 19)}Z`),
  }),
);

/** What serves a rotation; names with dots, which no other bucket has here. */
const serving = fc.record(
  {
    reencrypt: fc.record({
      method: fc.constant('rewrap'),
      engine: fc.constantFrom('batch', 'auto'),
      batch: fc.record(
        {
          bucket: fc.constant('jobs.of.it'),
          manage: fc.constantFrom('bucket', 'existing'),
          fromVersions: fc.integer({ min: 1, max: 20_000_000_000 }),
          manifest: fc.constantFrom('auto', 'generated', 'listed'),
          verify: fc.constantFrom('heads', 'manifest'),
          priority: fc.integer({ min: 0, max: 2_147_483_647 }),
        },
        { requiredKeys: ['bucket'] },
      ),
    }),
    evidence: fc.record({
      bucket: fc.record({
        name: fc.constant('evidence.of.it'),
        retention: fc.record(
          { mode: fc.constantFrom('GOVERNANCE', 'COMPLIANCE'), days: fc.integer({ min: 1, max: 36_500 }) },
          { requiredKeys: [] },
        ),
      }),
    }),
  },
  { requiredKeys: [] },
);

/** Data of valid rotation files, without custody recipients, which cost an encryption each. */
export const rotationData = fc
  .record({
    name: word(40),
    region: fc.constantFrom('ap-northeast-1', 'us-gov-west-1', 'eusc-de-east-1'),
    alias: fc.stringMatching(/^alias\/k[a-zA-Z0-9_-]{0,40}$/),
    keyVersions: fc
      .uniqueArray(fc.tuple(word(32), versionRest), { minLength: 1, maxLength: 5, selector: ([name]) => name })
      .map((versions) => versions.map(([name, rest]) => ({ name, ...rest }))),
    active: fc.nat(),
    buckets: fc.uniqueArray(fc.record({ name: bucketName, manage: fc.constantFrom('bucket', 'encryption') }), {
      minLength: 1,
      maxLength: 4,
      selector: (bucket) => bucket.name,
    }),
    tags: fc.dictionary(
      fc
        .stringMatching(/^[A-Za-z0-9_.:/=+@ -]{1,20}$/)
        .filter((key) => !/^(aws|keyturn):/i.test(key) && key !== '__proto__'),
      fc.stringMatching(/^[A-Za-z0-9_.:/=+@ -]{0,20}$/),
    ),
    deletionWindowDays: fc.integer({ min: 7, max: 30 }),
    rotateEveryDays: fc.integer({ min: 1, max: 3650 }),
    serving,
  })
  .map(({ active, serving, ...data }) => ({
    ...data,
    ...serving,
    activeVersion: data.keyVersions[active % data.keyVersions.length]?.name ?? '',
  }));

/** The same data written in many hands: block and flow, quotes, indentation, comments, line ends, no last newline. */
export const rotationText = fc
  .record({
    data: rotationData,
    flow: fc.constantFrom('block', 'items', 'list', 'json'),
    quotes: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const, 'QUOTE_SINGLE' as const),
    indent: fc.integer({ min: 1, max: 5 }),
    indentSeq: fc.boolean(),
    comments: fc.boolean(),
    crlf: fc.boolean(),
    trailing: fc.boolean(),
  })
  .map((given) => ({ data: given.data, text: inHand(given) }));

interface Hand {
  readonly data: { readonly keyVersions: readonly { readonly name: string }[] };
  readonly flow: string;
  readonly quotes: 'PLAIN' | 'QUOTE_DOUBLE' | 'QUOTE_SINGLE';
  readonly indent: number;
  readonly indentSeq: boolean;
  readonly comments: boolean;
  readonly crlf: boolean;
  readonly trailing: boolean;
}

function inHand(hand: Hand): string {
  const { data, flow } = hand;
  if (flow === 'json') return JSON.stringify(data, undefined, hand.indentSeq ? hand.indent : undefined);
  const { keyVersions, ...rest } = data;
  const options = {
    defaultStringType: hand.quotes,
    indent: hand.indent,
    indentSeq: hand.indentSeq,
    aliasDuplicateObjects: false,
    lineWidth: 0,
  };
  const dash = hand.indentSeq ? ' '.repeat(hand.indent) : '';
  const item = (version: object) => {
    const text = stringify(version, { ...options, collectionStyle: 'flow' }).trimEnd();
    return `${dash}- ${text}${hand.comments ? '   # an item' : ''}\n`;
  };
  const versions =
    flow === 'block'
      ? stringify({ keyVersions }, options)
      : flow === 'items'
        ? `keyVersions:\n${keyVersions.map(item).join('')}`
        : `keyVersions: ${stringify(keyVersions, { ...options, collectionStyle: 'flow' })}`;
  const commented = hand.comments ? versions.replace(/\n$/, ' # the last\n# and a comment after\n\n') : versions;
  const text = hand.trailing ? stringify(rest, options) + commented : commented + stringify(rest, options);
  const ended = hand.trailing && !hand.comments ? text.trimEnd() : text;
  return hand.crlf ? ended.replace(/\n/g, '\r\n') : ended;
}
