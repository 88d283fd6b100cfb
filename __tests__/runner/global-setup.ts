import { makeWrappingKeys } from './wrapping-keys';

/** Runs once, before the first test file. */
module.exports = (_: unknown, project: { readonly cacheDirectory: string }): Promise<void> => {
  // Terraform and its provider inherit these: they collect no garbage until they hold much. Workers start after this.
  process.env.GOGC ??= 'off';
  process.env.GOMEMLIMIT ??= '1536MiB';
  return makeWrappingKeys(project.cacheDirectory);
};
