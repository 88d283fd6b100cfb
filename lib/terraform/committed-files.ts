import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KeyturnError } from '../errors';

/**
 * Where Terraform runs. It takes from there providers (`terraform.d`, `.terraform`) with their lock, another backend or
 * workspace, and more configuration. All of it is made on the machine that plans.
 */
const MADE_HERE = 'cdktf.out';

const run = promisify(execFile);

/**
 * Refuses working files of Terraform that git tracks: a pull request could bring a provider of its own with them, which
 * runs during the plan, and no plan shows which program made it.
 *
 * @param folder - of the rotation file, where the stacks are synthesized; outside of a repository nothing is refused
 * @throws KeyturnError `working-files-committed`
 */
export async function refuseCommitted(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const args = ['--no-pager', 'ls-files', '-z', '--', MADE_HERE];
  const options = { cwd: folder, env, encoding: 'utf8', timeout: 10_000, maxBuffer: 16 << 20 } as const;
  const tracked = await run('git', args, options).then(
    ({ stdout }) => stdout.split('\0').filter((name) => name !== ''),
    () => [],
  );
  if (tracked.length > 0) throw new KeyturnError('working-files-committed', { folder, files: tracked });
}
