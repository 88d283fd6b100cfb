import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KEY_IDS } from './recorded-keys';
import { ERAS, type Era, SCENE_NAMES, SCENES, type Scene, type SceneName } from './review-scenes';
import { planChanged, type RealPlan } from './review-stage';
import type { Stage } from './stacks-stage';

/** One line a plan: what real Terraform planned in a scene. Made by `npx tsx __tests__/e2e/record-plans.ts`. */
export const RECORD = path.join(__dirname, 'recorded-plans.ndjson');

/** A plan of real Terraform in which what differs from run to run is the same each time. */
export interface RecordedPlan extends RealPlan {
  readonly scene: SceneName;
}

/** The recorded plans, by their scenes. */
export function readRecord(): ReadonlyMap<SceneName, RecordedPlan> {
  const lines = readFileSync(RECORD, 'utf8').trim().split('\n');
  const plans = lines.map((line) => {
    const { plan, ...rest } = JSON.parse(line);
    return { ...rest, json: JSON.stringify(plan) } as RecordedPlan;
  });
  return new Map(plans.map((plan) => [plan.scene, plan]));
}

/** As {@link readRecord} reads it. */
export function recordOf(plans: readonly RecordedPlan[]): string {
  return plans.map(({ json, ...rest }) => `${JSON.stringify({ ...rest, plan: JSON.parse(json) })}\n`).join('');
}

/** Plans scenes by real Terraform, on an endpoint on which nothing was done yet. */
export async function planScenes(on: Stage, wanted: readonly SceneName[]): Promise<readonly RecordedPlan[]> {
  const found: RecordedPlan[] = [];
  for (const [era, begin] of Object.entries(ERAS) as [Era, (on: Stage) => Promise<void>][]) {
    if (found.length === wanted.length) break;
    await begin(on);
    for (const name of SCENE_NAMES.filter((one) => wanted.includes(one) && SCENES[one].era === era)) {
      found.push(await planScene(on, name));
    }
  }
  return found;
}

async function planScene(on: Stage, scene: SceneName): Promise<RecordedPlan> {
  const { rotation, stack, change, args }: Scene = SCENES[scene];
  const target = (await on.declare(rotation))[stack];
  const terraform = await on.terraform();
  await terraform.init(target);
  const { json, stackFile } = await planChanged(on, target, change, args);
  const steady = await steadier(on);
  const plan = JSON.parse(steady(json));
  // Terraform lists them in no order.
  plan.relevant_attributes?.sort((one: unknown, other: unknown) =>
    JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
  );
  return { scene, json: JSON.stringify(plan), stackFile: JSON.parse(steady(JSON.stringify(stackFile))) };
}

/** Takes out of a text what is another one in each run: ids, the time of the plan, and the folder. */
async function steadier(on: Stage): Promise<(text: string) => string> {
  const ids = await Promise.all(
    (['v1', 'v2'] as const).map(async (version) => {
      const { KeyId = '' } = await on.key(`alias/payroll/${version}`);
      return [KeyId, KEY_IDS[version]] as const;
    }),
  );
  return (text) =>
    ids
      .reduce((all, [id, steady]) => all.replaceAll(id, steady), steadyFolder(text, on.folder))
      .replaceAll(/"timestamp":"[^"]+"/g, `"timestamp":"${new Date(RECORD_DAY.now()).toISOString()}"`)
      .replaceAll(/AROA[A-Z0-9]+/g, 'AROAAAAAAAAAAAAAAAAA');
}

/** A stack or plan made in a folder, as if it were made at the place of the record. */
export const steadyFolder = (text: string, folder: string): string => text.replaceAll(folder, '/rotation');

/** The time at which everything in a recorded plan was made. */
export const RECORD_DAY = { now: () => Date.UTC(2026, 0, 1) };
