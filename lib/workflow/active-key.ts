import { KeyturnError } from '../errors';
import type { KeyDescription } from '../kms/describe-key';
import { type Observation, type Observing, observe, observedActive, observeVersions } from '../observation/observe';
import { deployCommand } from '../rotation/declared-stacks';
import { notSwitched } from './switch-active';

/**
 * The active version's key, whatever points at it.
 *
 * @throws not-switched while there is none
 */
export async function activeKey(run: Observing): Promise<KeyDescription> {
  const { version, key } = observedActive(run.rotation, await observeVersions(run));
  if (!key) throw failure(run, version.name, 'its key is not declared yet');
  return key;
}

/**
 * The active version's key, once the switch is done: what re-encryption may move objects to.
 *
 * @throws not-switched while the key is not Enabled or something still points elsewhere: objects written meanwhile
 * would land under the old key and the pass would never end
 */
export async function switchedKey(run: Observing): Promise<{ key: KeyDescription; seen: Observation }> {
  const seen = await observe(run);
  const { version, key } = observedActive(run.rotation, seen.versions);
  if (key?.state !== 'Enabled') throw failure(run, version.name, `its key is ${key?.state ?? 'not declared yet'}`);
  const off = notSwitched(seen, key.arn);
  if (off.length > 0) throw failure(run, version.name, `${off.join(', ')} still points elsewhere`);
  return { key, seen };
}

const failure = ({ rotation }: Pick<Observing, 'rotation'>, version: string, found: string): KeyturnError =>
  new KeyturnError('not-switched', { version, found, deploy: deployCommand(rotation, 'storage') });
