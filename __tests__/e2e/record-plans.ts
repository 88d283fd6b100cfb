import { writeFileSync } from 'node:fs';
import { planScenes, RECORD, RECORD_DAY, recordOf } from './recorded-plans';
import { SCENE_NAMES } from './review-scenes';
import { stage } from './stacks-stage';

/** Makes the recorded plans anew, by real Terraform: `npx tsx __tests__/e2e/record-plans.ts`, about two minutes. */
async function main(): Promise<void> {
  await using on = await stage({ clock: RECORD_DAY });
  writeFileSync(RECORD, recordOf(await planScenes(on, SCENE_NAMES)));
}

void main();
