import { REPORT_LIMIT } from '../s3/bounded-list';
import type { OpenUploadFound } from '../s3/open-uploads';

interface Uploads {
  readonly total: number;
  readonly first: readonly OpenUploadFound[];
}

/**
 * The open uploads of two listings. One that only the second names was begun since, or left out of the first. One that
 * only the first names may have ended behind the listing of versions.
 */
export function allUploads(first: Uploads, second: Uploads): Uploads {
  const known = new Set(first.first.map((one) => one.uploadId));
  const added = second.first.filter((one) => !known.has(one.uploadId));
  const isListed = first.total === first.first.length && second.total === second.first.length;
  const total = isListed ? first.total + added.length : Math.max(first.total, second.total);
  return { total, first: [...first.first, ...added].slice(0, REPORT_LIMIT) };
}
