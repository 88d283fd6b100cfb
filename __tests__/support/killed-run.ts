import { existsSync, readFileSync } from 'node:fs';
import type { LocalAws, RequestEvent } from '../../local-aws';
import { SLOW } from '../runner/slow';

/** What a killed run leaves behind. */
export interface Left {
  /** The bucket that is re-encrypted. */
  readonly bucket: string;
  /** What the run keeps on this machine. */
  readonly files: readonly string[];
}

/** A run that is killed at a moment of its own. */
export interface KilledRun {
  /** True once it was killed; a run that ended before its moment never is. */
  readonly isDead: boolean;
  /** Lets requests through again. */
  end(): void;
}

/**
 * Kills what sends the next requests, at its n-th boundary from 1 on: a process that is killed sends no further request and
 * writes no further byte, so the endpoint drops every request from there on, and `setAside` copies the files as they are.
 *
 * Each request has two boundaries, before it takes effect and after. The next run sees nothing of the killed one but what S3
 * holds and the files, so of boundaries in a row that leave the same of both, the first stands for all. `SLOW=1` tries each.
 */
export function killAt(aws: LocalAws, nth: number, left: Left, setAside: () => void): KilledRun {
  let boundaries = 0;
  let changes = 0;
  let last: string | undefined;
  let isDead = false;
  const boundary = () => {
    if (isDead) return 'reset';
    const now = stateOf(aws, left, changes);
    if (now !== last || SLOW) boundaries += 1;
    last = now;
    if (boundaries < nth) return undefined;
    setAside();
    isDead = true;
    return 'reset';
  };
  const end = aws.requests.hook({
    before: boundary,
    after: (event) => {
      if (!isDead && isChange(event)) changes += 1;
      return boundary();
    },
  });
  return {
    get isDead() {
      return isDead;
    },
    end,
  };
}

/** Jobs and their tasks go on by themselves: they are looked at, not inferred from the requests. */
function stateOf({ stored, jobs }: LocalAws, { bucket, files }: Left, changes: number): string {
  return JSON.stringify([
    changes,
    stored.versions(bucket).map(({ key, versionId, encryption }) => [key, versionId, encryption.wrapped]),
    jobs.ids.map((id) => jobs.status(id)),
    files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined)),
  ]);
}

const isChange = ({ method }: RequestEvent): boolean => method !== 'GET' && method !== 'HEAD';
