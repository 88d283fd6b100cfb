import { KeyturnError } from '../errors';
import { gitOrRefuse, isInRepository, parts } from './git';

/**
 * Made on the machine that runs, and read from there as its own.
 *
 * `cdktf.out`: where Terraform runs. It takes from there providers (`terraform.d`, `.terraform`) with their lock, another
 * backend or workspace, and more configuration. `.keyturn`: the evidence that says what was imported, verified and
 * retired, where custody is, and how Terraform starts.
 */
const MADE_HERE = ['cdktf.out', '.keyturn'] as const;

/**
 * Refuses working files that git tracks. A pull request could bring a provider of its own with them, which runs during the
 * plan, or evidence of a retirement that never was; no plan shows where either came from.
 *
 * @param folder - of the rotation file; outside of a repository nothing is refused
 * @throws KeyturnError `working-files-committed`, `repository-unreadable` where git cannot tell
 */
export async function refuseCommitted(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (!isInRepository(folder)) return;
  // A file system that ignores case opens `.Keyturn` as `.keyturn`.
  const found = await gitOrRefuse(folder, env, ['ls-files', '-z', '--', ...MADE_HERE.map((one) => `:(icase)${one}`)]);
  const files = parts(found);
  if (files.length > 0) throw new KeyturnError('working-files-committed', { folder, files });
}
