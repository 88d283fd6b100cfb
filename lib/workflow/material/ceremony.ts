import { awsNow } from '../../aws/aws-clock';
import { isCode, KeyturnError } from '../../errors';
import { acceptAnswer, answerFingerprint, type WrappedAnswer } from '../../key-material/ceremony/wrapped-answer';
import { createWrappingRequest, type WrappingRequest } from '../../key-material/ceremony/wrapping-request';
import { locationOf, recordImport } from '../../key-material/complete-import';
import { nodeFiles } from '../../key-material/custody/file-operations';
import type { PreparedImport } from '../../key-material/prepared-import';
import { checkExpiry, type ImportResult, importMaterial } from '../../kms/import-key-material';
import { importParameters } from '../../kms/import-parameters';
import { observeVersions, waitingForMaterial } from '../../observation/observe';
import { copyState, markCustodyHere } from '../../observation/observed-custody';
import { custodyDirectory, custodyKind } from '../../rotation/rotation';
import { setMaterialValidTo, writeRotation } from '../../rotation/rotation-edit';
import { readRotationText } from '../../rotation/rotation-file';
import type { MaterialRun } from '../rotation-run';
import { bindVersions } from './bind-versions';
import { refuseEarlier, refuseState } from './extend-version';
import { descriptionOf, proveVersionInCustody, type VersionInCustody, versionInCustody } from './import-again';

export interface RequestOptions {
  /** Default: the only version that waits for material. */
  readonly version: string | undefined;
  /** Default `RSAES_OAEP_SHA_256`. */
  readonly algorithm: string | undefined;
}

/**
 * Fetches public key and token for a version, for a machine that has no AWS access.
 *
 * @throws KeyturnError `usage` where no version is named and not just one waits; `material-not-ours`,
 * `kms-wrapping-unsupported`, `wrapping-key-rejected`
 */
export async function requestMaterial(run: MaterialRun, options: RequestOptions): Promise<WrappingRequest> {
  const { version, key } = await versionInCustody(run, options.version ?? (await onlyWaiting(run)));
  const { algorithm } = options;
  const parameters = await importParameters(run.clients.kms, key.arn, { algorithm, signal: run.signal });
  return createWrappingRequest(parameters, { rotation: run.rotation.name, version: version.name });
}

async function onlyWaiting(run: MaterialRun): Promise<string> {
  const versions = await observeVersions(run);
  const waiting = waitingForMaterial(versions, awsNow(run.clients.kms)).map((one) => one.version.name);
  const [only, ...more] = waiting;
  if (only !== undefined && more.length === 0) return only;
  throw new KeyturnError('usage', {
    problem:
      only === undefined ? 'no version waits for key material' : `${waiting.join(' and ')} wait for key material`,
    hint: 'name one with --version; a version that has its material takes the same material again',
  });
}

export interface CeremonyImport {
  readonly version: string;
  readonly keyArn: string;
  /** 64 hex digits; null in a dry run. */
  readonly keyMaterialId: string | null;
  /** The date that KMS has afterwards, or would have after a dry run: an ISO instant; null: it does not expire. */
  readonly validTo: string | null;
}

/** What a person decides about an answer. */
export interface AnswerDecisions {
  /** Asks whether the other person read out this fingerprint of the answer; throws on a no. */
  compare(fingerprint: string): Promise<void>;
  /** The date from now on; the rotation file gets it too. Absent: see {@link dateOf}. */
  readonly validTo?: Date | undefined;
}

/**
 * Imports what another machine wrapped, and proves it. The custody record is written here too, so that this side knows who
 * keeps the material. It is also how material of such a machine gets a later date.
 *
 * @throws KeyturnError `ceremony-stale`, `ceremony-mismatch`, `material-not-ours`, `extend-refused`, `kms-import-expiry`,
 * `kms-import-refused`, `kms-proof-failed`, `rotation-edit-refused`
 */
export async function importCeremony(
  run: MaterialRun,
  request: WrappingRequest,
  answer: WrappedAnswer,
  decisions: AnswerDecisions,
): Promise<CeremonyImport> {
  if (request.rotation !== run.rotation.name) {
    const reason = `the request is of rotation ${request.rotation}, the rotation file is ${run.rotation.name}`;
    throw new KeyturnError('ceremony-mismatch', { reason });
  }
  const held = await versionInCustody(run, request.version);
  const { version, key } = held;
  const validTo = dateOf(held, decisions.validTo);
  refuseDate(run, held, validTo);
  const text = await readRotationText(run.rotation.file);
  const edited = decisions.validTo ? setMaterialValidTo(text, version.name, decisions.validTo) : text;
  const prepared = acceptAnswer(request, answer, await answerTerms(run, held));
  await decisions.compare(answerFingerprint(answer));
  const about = { version: version.name, keyArn: key.arn };
  if (run.dryRun) return { ...about, keyMaterialId: null, validTo: validTo?.toISOString() ?? null };
  await run.approve(`import the wrapped material into ${version.name} (${key.arn})?`);
  const { publicKeySha256, wrappedSha256 } = prepared;
  const { custody } = answer;
  const facts = { ...about, publicKeySha256, wrappedSha256, custody };
  await run.evidence.record('intent', 'ceremony', { ...facts, validTo: validTo?.toISOString() ?? null });
  const imported = await sendAnswer(run, held, prepared, validTo);
  const proof = await proveVersionInCustody(run, held, imported);
  const directory = custodyDirectory(run.rotation.custody);
  if (directory !== undefined) {
    const location = await locationHere(run, directory, version.name, prepared.binding);
    const kept = { kind: custodyKind(run.rotation.custody), location, rotation: run.rotation.name };
    await recordImport({ directory, files: nodeFiles }, kept, prepared, imported);
    if (location !== null) await markCustodyHere(run.rotation);
  }
  if (edited !== text) await writeRotation(run.rotation.file, edited, text);
  const now = (await versionInCustody(run, version.name)).material.validTo?.toISOString() ?? null;
  const { keyMaterialId } = imported;
  await run.evidence.record('outcome', 'ceremony', { ...facts, keyMaterialId, validTo: now });
  run.reporter.note(`${version.name}: ${proof}`);
  await bindVersions(run);
  return { ...about, keyMaterialId, validTo: now };
}

/** The reviewed file says who keeps the material; custody of this machine must not hold another copy of the version. */
async function answerTerms({ rotation, custodian }: MaterialRun, { version, key }: VersionInCustody) {
  const { custody } = rotation;
  const terms = {
    keyArn: key.arn,
    custody: { kind: custodyKind(custody), recipients: custody.age?.recipients ?? [] },
  };
  // Custody of another kind is asked by who has it: here only files are looked at.
  if (!custody.age || custody.age.recipients.length === 0) return terms;
  const here = await custodian();
  return { ...terms, copyHere: here.kind === 'age' ? await here.copyBinding(version.name) : undefined };
}

/** Where the copy of the answer is on this machine, so that `status` watches it; null: it is on another one. */
async function locationHere(
  run: MaterialRun,
  directory: string,
  version: string,
  binding: string | undefined,
): Promise<string | null> {
  const copy = await copyState(run, directory, version, undefined);
  return copy.is === 'there' && copy.binding === binding ? locationOf(await run.custodian(), version) : null;
}

async function sendAnswer(
  run: MaterialRun,
  held: VersionInCustody,
  prepared: PreparedImport,
  validTo: Date | undefined,
): Promise<ImportResult> {
  const { version, key, material } = held;
  const expectedId = async () => (await versionInCustody(run, version.name)).material.id;
  try {
    return await importMaterial(run.clients.kms, {
      keyArn: key.arn,
      importToken: prepared.importToken,
      wrapped: prepared.wrapped,
      importType: material.id ? 'EXISTING_KEY_MATERIAL' : 'NEW_KEY_MATERIAL',
      validTo,
      keyMaterialId: material.id,
      expectedId,
      description: descriptionOf(run, version),
    });
  } catch (error) {
    if (!isCode(error, 'kms-import-refused') || error.facts.awsCode !== 'IncorrectKeyMaterialException') throw error;
    const keyMaterialId = material.id ?? (await expectedId());
    const about = { version: version.name, keyArn: key.arn };
    if (keyMaterialId !== undefined)
      throw new KeyturnError(
        'material-of-another',
        { ...about, keyMaterialId, file: 'the custody that answered' },
        error,
      );
    const found = 'the key holds it as the material of another version, or of none';
    throw new KeyturnError('material-in-key', { ...about, found }, error);
  }
}

/** Without a given date: that of the rotation file for a key that waits, and otherwise the later one of the file's and KMS's. */
function dateOf({ version, material }: VersionInCustody, given: Date | undefined): Date | undefined {
  if (given) return given;
  const { materialValidTo: declared } = version;
  if (!material.imported) return declared;
  return declared && material.validTo && declared > material.validTo ? declared : material.validTo;
}

/** Before anybody is asked: what `extend` would refuse, too. */
function refuseDate(run: MaterialRun, held: VersionInCustody, validTo: Date | undefined): void {
  const { key, version, material } = held;
  refuseState(run, held);
  checkExpiry(key.arn, validTo, Date.now());
  if (validTo && material.imported) refuseEarlier(version.name, material.validTo, validTo);
}
