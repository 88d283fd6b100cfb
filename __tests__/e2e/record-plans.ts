import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeWrappingKeys } from '../runner/wrapping-keys';
import { planScenes, RECORD, RECORD_DAY, recordOf } from './recorded-plans';
import { SCENE_NAMES } from './review-scenes';
import { stage } from './stacks-stage';

/** Records the plans again, by real Terraform: `npm run record-plans`, about two minutes. */
async function main(): Promise<void> {
  await makeWrappingKeys(path.join(tmpdir(), 'keyturn-record-plans'));
  await using on = await stage({ clock: RECORD_DAY });
  writeFileSync(RECORD, recordOf(await planScenes(on, SCENE_NAMES)));
}

void main();
