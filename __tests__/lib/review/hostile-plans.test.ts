/** JSON plans that somebody edited by hand: none is clean, none stops the review, and every format can show it. */
import fc from 'fast-check';
import { KeyturnError } from '../../../lib/errors';
import { readPlanDocument } from '../../../lib/review/plan-document';
import { type Review, reviewPlans } from '../../../lib/review/review';
import { reviewJson } from '../../../lib/review/review-json';
import { reviewMarkdown } from '../../../lib/review/review-markdown';
import { reviewSarif } from '../../../lib/review/review-sarif';
import type { Rotation } from '../../../lib/rotation/rotation';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { boundAsRecorded } from '../../e2e/recorded-keys';
import { readRecord } from '../../e2e/recorded-plans';
import { SCENES, type SceneName } from '../../e2e/review-scenes';
import { SLOW } from '../../runner/slow';

type Json = Record<string, unknown>;

const NOW = new Date('2026-11-28T12:00:00Z');
const CLEAN: readonly SceneName[] = ['first storage', 'unchanged keys', 'switch'];
const RUNS = { numRuns: SLOW ? 2_000 : 25 };
const TIMEOUT = SLOW ? 1_800_000 : 60_000;

interface Scene {
  readonly rotation: Rotation;
  readonly stack: string;
  readonly json: string;
}

let scenes: readonly Scene[];
beforeAll(async () => {
  const record = readRecord();
  scenes = await Promise.all(
    CLEAN.map(async (name) => ({
      rotation: boundAsRecorded(await parseRotation(SCENES[name].rotation, 'rotation.yaml', { now: NOW })),
      stack: JSON.stringify(record.get(name)?.stackFile),
      json: record.get(name)?.json ?? '',
    })),
  );
});

/** Undefined: it is not even read as a plan. */
function reviewOf({ rotation, stack }: Scene, json: string): Review | undefined {
  try {
    return reviewPlans({
      rotation,
      expected: { keys: stack, storage: stack },
      rotationFile: 'rotation.yaml',
      plans: [{ plan: readPlanDocument(json, 'plan.json') }],
      now: NOW,
      rollbackTo: rotation.activeVersion,
    });
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

const rulesOf = (review: Review | undefined): readonly string[] | undefined =>
  review && [...new Set(review.findings.map(({ rule }) => rule))].filter((rule) => rule !== 'KT063');

/** Every place of a value: its owner and the name there. */
function placesIn(value: unknown, found: (readonly [Json, string])[] = []): (readonly [Json, string])[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const [name, one] of Object.entries(value)) {
    found.push([value as Json, name]);
    placesIn(one, found);
  }
  return found;
}

/** Names that every object answers to, and some that a careless reader takes for members of its own. */
const INHERITED = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', 'prototype', 'length', '0', ''];
const OTHER_KINDS: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  '',
  '0',
  'true',
  [],
  {},
  [[]],
  [null],
  { 0: 'x' },
];
const LOOK_ALIKE: Readonly<Record<string, string>> = {
  a: 'а',
  e: 'е',
  o: 'о',
  c: 'с',
  p: 'р',
  i: 'і',
  s: 'ѕ',
  _: '＿',
  '.': '․',
};

const set = (at: Json, name: string, value: unknown): void => {
  Object.defineProperty(at, name, { value, enumerable: true, configurable: true, writable: true });
};

const IN_LISTS = 'the entries of a list in the other order, or one of them twice';

/** What somebody does at one place of a plan; false: it does not apply there. */
const EDITS: Readonly<Record<string, (at: Json, name: string, pick: number) => boolean>> = {
  'a value of another kind': (at, name, pick) => {
    set(at, name, OTHER_KINDS[pick % OTHER_KINDS.length]);
    return true;
  },
  'a name that every object has': (at, name, pick) => {
    if (Array.isArray(at)) return false;
    const value = at[name];
    delete at[name];
    set(at, INHERITED[pick % INHERITED.length] ?? '', value);
    return true;
  },
  'such a name as a value': (at, name, pick) => {
    if (typeof at[name] !== 'string') return false;
    set(at, name, INHERITED[pick % INHERITED.length]);
    return true;
  },
  'a letter that looks alike': (at, name, pick) => {
    const text = at[name];
    if (typeof text !== 'string') return false;
    const letters = [...text].flatMap((letter, index) => (LOOK_ALIKE[letter] === undefined ? [] : [index]));
    const index = letters[pick % Math.max(letters.length, 1)];
    if (index === undefined) return false;
    set(at, name, text.slice(0, index) + LOOK_ALIKE[text[index] ?? ''] + text.slice(index + 1));
    return true;
  },
  'a character that nobody sees': (at, name, pick) => {
    const text = at[name];
    if (typeof text !== 'string') return false;
    const index = pick % (text.length + 1);
    set(at, name, text.slice(0, index) + ['\u200b', '\u202e', '\0', '\ud800', '\ufeff'][pick % 5] + text.slice(index));
    return true;
  },
  'a name with another letter case': (at, name) => {
    if (Array.isArray(at) || name.toUpperCase() === name) return false;
    set(at, name.toUpperCase(), at[name]);
    return true;
  },
  [IN_LISTS]: (at, name, pick) => {
    const all = at[name];
    if (!Array.isArray(all) || all.length < 2) return false;
    set(at, name, pick % 2 === 0 ? [...all].reverse() : [...all, all[0]]);
    return JSON.stringify(all) !== JSON.stringify(at[name]);
  },
};

it.each(Object.keys(EDITS))(
  'a plan is not clean with %s, wherever that is, and every format shows it',
  (kind) => {
    const edits = fc.record({ scene: fc.nat(CLEAN.length - 1), place: fc.nat(), pick: fc.nat() });
    fc.assert(
      fc.property(edits, ({ scene: index, place, pick }) => {
        const scene = scenes[index] as Scene;
        const plan = JSON.parse(scene.json) as Json;
        const places = placesIn(plan).filter(([owner, member]) => kind !== IN_LISTS || Array.isArray(owner[member]));
        const [at, name] = places[place % places.length] ?? [plan, 'format_version'];
        const before = JSON.stringify(at);
        fc.pre(EDITS[kind]?.(at, name, pick) === true && JSON.stringify(at) !== before);
        const review = reviewOf(scene, JSON.stringify(plan));
        expect(Object.keys(Object.prototype)).toEqual([]);
        if (review === undefined) return;
        expect(review.verdict).not.toBe('clean');
        expect(reviewMarkdown(review)).not.toMatch(/[\0\u200b\u202e]/);
        JSON.parse(reviewJson(review));
        JSON.parse(reviewSarif(review));
      }),
      RUNS,
    );
  },
  TIMEOUT,
);

it(
  'a plan is refused with a member twice, wherever that is',
  () => {
    const scene = scenes[2] as Scene;
    const members = [...scene.json.matchAll(/"([a-z_]+)":/g)].map(({ index, 1: name }) => [index, name] as const);
    fc.assert(
      fc.property(fc.nat(members.length - 1), fc.constantFrom('null', '1', '{}', '"x"'), (place, value) => {
        const [index = 0, name] = members[place] ?? [];
        // One writes the first letter of the name as an escape.
        const escaped = `\\u${name?.charCodeAt(0).toString(16).padStart(4, '0')}${name?.slice(1)}`;
        for (const twice of [name, escaped]) {
          const text = `${scene.json.slice(0, index)}"${twice}":${value},${scene.json.slice(index)}`;
          expect(rulesOf(reviewOf(scene, text))).toContain('KT057');
        }
      }),
      RUNS,
    );
  },
  TIMEOUT,
);

describe('the text of a plan', () => {
  it.each<[string, (json: string) => string]>([
    ['a second document', (json) => `${json}{}`],
    ['another plan behind it', (json) => `${json}\n${json}`],
    ['a zero byte', (json) => `${json}\0`],
    ['a comment', (json) => `${json}// clean`],
    ['a member without a value', (json) => json.replace('{', '{"x",')],
    ['half of it', (json) => json.slice(0, json.length / 2)],
    ['single quotes', (json) => json.replace('"format_version"', "'format_version'")],
  ])('is refused with %s', (_what, change) => {
    expect(reviewOf(scenes[2] as Scene, change((scenes[2] as Scene).json))).toBeUndefined();
  });

  it('means the same behind a byte-order mark and white space', () => {
    expect(rulesOf(reviewOf(scenes[2] as Scene, `\ufeff \n${(scenes[2] as Scene).json}\n`))).toEqual([]);
  });

  it('is refused where it nests deeper than any plan', () => {
    const { json } = scenes[2] as Scene;
    const deep = (open: string, close: string) => open.repeat(20_000) + close.repeat(20_000);
    for (const value of [deep('[', ']'), `${deep('{"x":', '}').replace(':}', ':1}')}`]) {
      for (const member of [
        '"resource_changes"',
        '"configuration"',
        '"planned_values"',
        '"prior_state"',
        '"output_changes"',
        '"timestamp"',
      ]) {
        const text = json.replace(new RegExp(`${member}:`), `"old":0,${member}:${value},"then":`);
        const rules = rulesOf(reviewOf(scenes[2] as Scene, text));
        expect([member, rules ?? ['not read']]).toEqual([
          member,
          expect.arrayContaining([expect.stringMatching(/KT055|not read/)]),
        ]);
      }
    }
  });

  it.each(['__proto__', 'constructor', 'toString'])('hides no resource of the type %s in its configuration', (type) => {
    const { json } = scenes[2] as Scene;
    const plan = JSON.parse(json);
    plan.configuration.root_module.resources.push({
      address: `${type}.x`,
      mode: 'managed',
      type,
      name: 'x',
      expressions: {},
    });
    expect(rulesOf(reviewOf(scenes[2] as Scene, JSON.stringify(plan)))).toContain('KT061');
    expect('x' in {}).toBe(false);
    expect('x' in Object).toBe(false);
  });
});
