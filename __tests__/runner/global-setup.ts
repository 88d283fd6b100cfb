import { makeWrappingKeys } from './wrapping-keys';

/** Runs once, before the first test file. */
module.exports = (_: unknown, project: { readonly cacheDirectory: string }): Promise<void> =>
  makeWrappingKeys(project.cacheDirectory);
