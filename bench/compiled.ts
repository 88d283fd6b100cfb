import path from 'node:path';

const { esbuild }: { esbuild(args: readonly string[]): void } = require('../bin/compile');

const FOLDER = path.join(__dirname, '../node_modules/.cache/keyturn-bench');

/**
 * Compiles the processes of the benchmark, as the command itself is compiled: a loader of TypeScript would take memory and CPU of its own.
 *
 * @returns the file of each, by name
 */
export function compiled(...names: readonly string[]): (name: string) => string {
  const sources = names.map((name) => path.join(__dirname, `${name}.ts`));
  esbuild([...sources, `--outdir=${FOLDER}`, '--bundle', '--packages=external', '--platform=node', '--format=cjs']);
  return (name) => path.join(FOLDER, `${name}.js`);
}
