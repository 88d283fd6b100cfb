import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { KeyturnError } from '../errors';
import { bundleFiles } from '../evidence/bundle';
import type { EvidenceBucket } from '../rotation/settings';
import { bucketExists } from '../s3/bucket-default';
import type { ArchiveAccess } from './archive-access';
import { type ArchiveBucket, type ArchivedVersion, archiveBucket } from './archive-bucket';
import { archivePrefix } from './put-evidence';

/** What can be wrong with a file of evidence in its bucket. */
export type ArchiveFaultCode =
  | 'not-archived'
  | 'not-here'
  | 'differs'
  | 'no-checksum'
  | 'replaced'
  | 'hidden'
  | 'not-retained'
  | 'retained-too-short'
  | 'odd-name';

export interface ArchiveFault {
  /** Name in the bundle. */
  readonly file: string;
  readonly code: ArchiveFaultCode;
  readonly problem: string;
}

export interface ArchiveCheck {
  readonly bucket: string;
  /** Files in the bucket. */
  readonly files: number;
  readonly faults: readonly ArchiveFault[];
}

/** Seconds that two clocks of S3 may be apart; retention counts from when S3 took the file. */
const CLOCK_SLACK_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Compares what the bucket keeps with the files of a directory: names, SHA-256, that nothing was put over a file or hides it,
 * and that each is kept as long and as strictly as the rotation file says. Reads no object: S3 tells the SHA-256 that it
 * checked when the object was put.
 *
 * @throws evidence-bucket-undeclared, evidence-bucket-missing
 */
export async function compareArchive(access: ArchiveAccess, directory: string): Promise<ArchiveCheck> {
  const { archive, declared, first, faults } = await look(access);
  const local = new Map((await bundleFiles(directory, access.rotation.name)).map((file) => [file.name, file]));
  for (const name of local.keys()) {
    if (!first.has(name)) faults.push({ file: name, code: 'not-archived', problem: 'it is not in the bucket' });
  }
  for (const [name, version] of first) {
    const kept = await archive.kept(version.key, version.versionId);
    faults.push(...retentionFaults(name, version, kept.retention, declared));
    const here = local.get(name);
    if (!here) faults.push({ file: name, code: 'not-here', problem: 'the bucket has it, the directory does not' });
    else if (kept.sha256 === undefined)
      faults.push({ file: name, code: 'no-checksum', problem: 'it was put without a SHA-256, not by Keyturn' });
    else if (kept.sha256 !== (await hashOf(here.path)))
      faults.push({ file: name, code: 'differs', problem: 'the bucket keeps other bytes than the directory holds' });
  }
  return { bucket: declared.name, files: first.size, faults };
}

/**
 * Brings the evidence of the bucket into an empty directory, so that it can be checked like any other, and looks at how it is
 * kept. What is fetched is the first version of each file: whatever was put over it came later.
 *
 * @throws evidence-bucket-undeclared, evidence-bucket-missing
 */
export async function fetchArchive(access: ArchiveAccess, directory: string): Promise<ArchiveCheck> {
  const { archive, declared, first, faults } = await look(access);
  for (const [name, version] of first) {
    const kept = await archive.kept(version.key, version.versionId);
    faults.push(...retentionFaults(name, version, kept.retention, declared));
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, await archive.fetch(version.key, version.versionId));
  }
  return { bucket: declared.name, files: first.size, faults };
}

interface Look {
  readonly archive: ArchiveBucket;
  readonly declared: EvidenceBucket;
  /** The first version of each file, by its name in the bundle. */
  readonly first: ReadonlyMap<string, ArchivedVersion>;
  readonly faults: ArchiveFault[];
}

async function look({ rotation, clients, identity }: ArchiveAccess): Promise<Look> {
  const declared = rotation.evidence.bucket;
  if (!declared) throw new KeyturnError('evidence-bucket-undeclared', { file: rotation.file });
  if (!(await bucketExists(clients.s3, declared.name, identity.account))) {
    throw new KeyturnError('evidence-bucket-missing', { bucket: declared.name });
  }
  const archive = archiveBucket(clients.s3, declared.name, identity.account);
  const prefix = archivePrefix(rotation);
  const first = new Map<string, ArchivedVersion>();
  const faults: ArchiveFault[] = [];
  for (const version of await archive.versions(prefix)) {
    const name = version.key.slice(prefix.length);
    if (version.marker) {
      faults.push({ file: name, code: 'hidden', problem: 'a delete marker hides it; what it hides is still there' });
    } else if (!BUNDLE_NAME.test(name)) {
      faults.push({ file: name, code: 'odd-name', problem: 'no run puts a file of that name' });
    } else {
      // S3 lists the newest version first, so the last one that comes is the first that was put.
      if (first.has(name)) {
        faults.push({ file: name, code: 'replaced', problem: 'another version was put over it; the first one counts' });
      }
      first.set(name, version);
    }
  }
  return { archive, declared, first, faults };
}

/** `<run>.ndjson`, `<run>.dsse.json` or `<run>.outcomes/<file>`: nothing that could lead out of a directory. */
const BUNDLE_NAME = /^\d{8}T\d{6}Z-[0-9a-f]{16}(?:\.ndjson|\.dsse\.json|\.outcomes\/[a-z0-9][a-z0-9.-]*\.ndjson\.gz)$/;

function retentionFaults(
  file: string,
  { lastModified }: ArchivedVersion,
  retention: { readonly mode: string; readonly until: Date } | undefined,
  { retention: declared }: EvidenceBucket,
): readonly ArchiveFault[] {
  if (!retention) {
    const problem = 'nothing keeps it from deletion, or s3:GetObjectRetention is denied and S3 does not say';
    return [{ file, code: 'not-retained', problem }];
  }
  const { mode, until } = retention;
  if (mode !== declared.mode && mode !== 'COMPLIANCE') {
    return [{ file, code: 'not-retained', problem: `it is kept in mode ${mode}, not ${declared.mode}` }];
  }
  const due = lastModified.getTime() + declared.days * DAY_MS;
  if (until.getTime() >= due - CLOCK_SLACK_MS) return [];
  const problem = `it is kept until ${until.toISOString()}, which is less than ${declared.days} days`;
  return [{ file, code: 'retained-too-short', problem }];
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}
