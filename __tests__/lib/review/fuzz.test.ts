/** Members that somebody added to a stack file or to a rotation file, or changed in one: none of them is clean. */
import fc from 'fast-check';
import { parse as parseYaml, stringify } from 'yaml';
import { KeyturnError } from '../../../lib/errors';
import { readPlanDocument } from '../../../lib/review/plan-document';
import { reviewPlans } from '../../../lib/review/review';
import { withBinding } from '../../../lib/rotation/binding';
import type { Rotation } from '../../../lib/rotation/rotation';
import { parseRotation } from '../../../lib/rotation/rotation-file';
import { boundAsRecorded } from '../../e2e/recorded-keys';
import { readRecord } from '../../e2e/recorded-plans';
import { SCENES, type SceneName } from '../../e2e/review-scenes';
import { SLOW } from '../../runner/slow';

type Json = Record<string, unknown>;

const NOW = new Date('2026-11-28T12:00:00Z');
const RUNS = { numRuns: SLOW ? 10_000 : 100 };
const TIMEOUT = SLOW ? 1_800_000 : 60_000;
const CLEAN: readonly SceneName[] = ['first storage', 'unchanged keys', 'switch'];
const record = readRecord();

interface Scene {
  readonly text: string;
  readonly rotation: Rotation;
  readonly json: string;
  /** The stack file of the plan. */
  readonly stack: string;
}

let scenes: readonly Scene[];
beforeAll(async () => {
  scenes = await Promise.all(
    CLEAN.map(async (name) => {
      const { text, json } = { text: SCENES[name].rotation, json: record.get(name)?.json ?? '' };
      const rotation = boundAsRecorded(await parseRotation(text, 'rotation.yaml', { now: NOW }));
      return { text, rotation, json, stack: JSON.stringify(record.get(name)?.stackFile) };
    }),
  );
});

/** The rules that find something, beside that the plan file is not there; undefined: it is not even reviewed. */
function reviewed({ rotation, json, stack }: Scene, found = stack, base = rotation) {
  try {
    const { findings, fileChanges = [] } = reviewPlans({
      rotation,
      base,
      expected: { keys: stack, storage: stack },
      rotationFile: 'rotation.yaml',
      plans: [{ plan: readPlanDocument(json, 'plan.json'), stackText: { name: 'cdk.tf.json', text: found } }],
      now: NOW,
    });
    return { rules: findings.map(({ rule }) => rule).filter((rule) => rule !== 'KT063'), fileChanges };
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

const isClean = (review: ReturnType<typeof reviewed>): boolean => review?.rules.length === 0;

/** A place in a JSON value, and what is done there. */
interface Edit {
  readonly place: number;
  readonly kind: 'added' | 'changed' | 'removed';
  readonly name: string;
  readonly value: unknown;
}

function objectsIn(value: unknown, found: object[] = []): object[] {
  if (typeof value !== 'object' || value === null) return found;
  found.push(value);
  for (const one of Object.values(value)) objectsIn(one, found);
  return found;
}

/** Edits a value; undefined where the edit changes nothing. */
function edited(text: Json, { place, kind, name, value }: Edit): Json | undefined {
  const whole = structuredClone(text);
  const objects = objectsIn(whole);
  const at = objects[place % objects.length] as Json & unknown[];
  const names = Object.keys(at);
  const own = names[place % Math.max(names.length, 1)];
  if (Array.isArray(at)) {
    if (kind === 'added') at.push(value);
    else if (own === undefined) return undefined;
    else if (kind === 'changed') at.splice(Number(own), 1, value);
    else at.splice(Number(own), 1);
  } else {
    const member = kind === 'added' ? name : own;
    if (member === undefined || (kind === 'added' && Object.hasOwn(at, name))) return undefined;
    if (kind === 'removed') delete at[member];
    else Object.defineProperty(at, member, { value, enumerable: true, configurable: true, writable: true });
  }
  return JSON.stringify(whole) === JSON.stringify(text) ? undefined : whole;
}

const names = (known: readonly string[]) => fc.oneof(fc.constantFrom(...known), fc.stringMatching(/^[a-z_]{1,12}$/));
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(true, false, null, '', 'x', 1, 0, [], {}, '*', 'v1', 'v2', 'v3'),
);
const edits = (known: readonly string[]) =>
  fc.record({
    place: fc.nat(),
    kind: fc.constantFrom<Edit['kind']>('added', 'changed', 'removed'),
    name: names(known),
    value: values,
  });
const namesIn = (value: unknown): readonly string[] => [...new Set(objectsIn(value).flatMap(Object.keys))];

it('each scene is clean as it is, but for its plan file', () => {
  expect(scenes.map((scene) => reviewed(scene)?.rules)).toEqual(CLEAN.map(() => []));
});

it(
  'a stack file is not clean with any member added, changed or removed',
  () => {
    const known = [
      ...new Set(scenes.flatMap(({ stack }) => namesIn(JSON.parse(stack)))),
      ...[
        'import',
        'moved',
        'removed',
        'action',
        'ephemeral',
        'check',
        'provisioner',
        'locals',
        'module',
        'cloud',
        '//',
      ],
    ];
    fc.assert(
      fc.property(fc.nat(CLEAN.length - 1), edits(known), (index, edit) => {
        const scene = scenes[index] as Scene;
        const found = edited(JSON.parse(scene.stack), edit);
        fc.pre(found !== undefined);
        if (isClean(reviewed(scene, JSON.stringify(found)))) throw new Error(`clean: ${JSON.stringify(edit)}`);
      }),
      RUNS,
    );
  },
  TIMEOUT,
);

/** What a rotation file says; undefined where it has a fault. */
async function rotationOf(found: Json): Promise<Rotation | undefined> {
  try {
    return boundAsRecorded(await parseRotation(stringify(found), 'rotation.yaml', { now: NOW }));
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

it(
  'a rotation file that says another thing is not clean, unless the review lists the change and calls it free',
  async () => {
    const known = [...new Set(scenes.flatMap(({ text }) => namesIn(parseYaml(text))))];
    await fc.assert(
      fc.asyncProperty(fc.nat(CLEAN.length - 1), edits(known), async (index, edit) => {
        const scene = scenes[index] as Scene;
        const found = edited(parseYaml(scene.text), edit);
        fc.pre(found !== undefined);
        const rotation = await rotationOf(found);
        if (rotation === undefined || JSON.stringify(rotation) === JSON.stringify(scene.rotation)) return;
        const review = reviewed({ ...scene, rotation }, scene.stack, scene.rotation);
        const isFree = review?.fileChanges.some(({ verdict }) => verdict === 'free') === true;
        if (isClean(review) && !isFree) throw new Error(`clean: ${JSON.stringify(edit)}`);
      }),
      RUNS,
    );
  },
  TIMEOUT,
);

it(
  'a binding is not clean with any member added, changed or removed',
  () => {
    const scene = scenes[2] as Scene;
    const text = { formatVersion: 1, rotation: scene.rotation.name, versions: scene.rotation.binding };
    fc.assert(
      fc.property(edits(namesIn(text)), (edit) => {
        const found = edited(text as unknown as Json, edit);
        fc.pre(found !== undefined);
        const rotation = boundBy(scene.rotation, JSON.stringify(found));
        if (rotation && isClean(reviewed({ ...scene, rotation }, scene.stack, scene.rotation)))
          throw new Error(`clean: ${JSON.stringify(edit)}`);
      }),
      RUNS,
    );
  },
  TIMEOUT,
);

/** The rotation as a binding has it; undefined where that has a fault. */
function boundBy(rotation: Rotation, text: string): Rotation | undefined {
  try {
    return withBinding({ ...rotation, binding: [] }, text, 'rotation.lock.json');
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}
