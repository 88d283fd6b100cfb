import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff';

/** Lines that are shown around each change. */
const CONTEXT = 3;

/**
 * The unified diff between two texts as `git apply` takes it, empty where they are the same.
 *
 * @param file - path as both sides show it, with `/`
 */
export function unifiedDiff(before: string, after: string, file: string): string {
  if (before === after) return '';
  const patch = structuredPatch(`a/${file}`, `b/${file}`, before, after, undefined, undefined, { context: CONTEXT });
  return formatPatch(patch, FILE_HEADERS_ONLY);
}
