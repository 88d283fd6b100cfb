import { KeyturnError } from '../errors';
import type { Custodian, CustodyLedger } from './custody/custodian';
import { type PendingImport, readPending, removePending, writePending } from './custody/pending-import';
import { readRecord } from './custody/record';
import { readKeyMaterialFile } from './material-file';
import { generateKeyMaterial, type KeyMaterial } from './secret';
import { sha256Hex, type WrappingParameters, wrapKeyMaterial } from './wrap';
import type { WrappingAlgorithm, WrappingKeySpec } from './wrapping-key';

export type MaterialSource = { readonly kind: 'generate' } | { readonly kind: 'file'; readonly path: string };

export interface PrepareRequest {
  /** Name of the key version, `v2`. */
  readonly version: string;
  readonly keyArn: string;
  /** Fetches public key and token. Called only where something must be wrapped: KMS hands them out once in 4 s. */
  readonly parameters: () => Promise<WrappingParameters>;
  /** Used only where custody holds no material for the version yet. */
  readonly source: MaterialSource;
  /** Needed where custody holds the material and no import of it is pending. */
  readonly identityFile?: string | undefined;
  /** Fingerprint of the only public key that will do; default: any that a pending import was wrapped under. */
  readonly publicKeySha256?: string | undefined;
  /** Default: now by this machine's clock. */
  readonly now?: Date | undefined;
}

/** The key version that an import is about. */
type Subject = Pick<PrepareRequest, 'version' | 'keyArn'>;

/** Everything that ImportKeyMaterial takes. Nothing in it is secret. */
export interface PreparedImport {
  readonly version: string;
  readonly keyArn: string;
  readonly wrapped: Buffer;
  readonly importToken: Buffer;
  /** KMS refuses the import after this. */
  readonly parametersValidTo: Date;
  readonly algorithm: WrappingAlgorithm;
  readonly wrappingKeySpec: WrappingKeySpec;
  readonly publicKeySha256: string;
  readonly wrappedSha256: string;
  /** Those who can read the custody copy of this material. */
  readonly recipients: readonly string[];
  readonly preparedAt: Date;
  /** `pending`: an interrupted run prepared it. `custody`: the copy in custody was opened and wrapped again. */
  readonly from: 'generated' | 'file' | 'custody' | 'pending';
}

/** Milliseconds that a token must still live to be worth sending. */
const TOKEN_MARGIN = 60_000;

/**
 * Makes key material ready for import, in the order that a crash at any point cannot turn into a loss: wrapped blob and
 * token are written down first, the custody copy second, and only what is in custody is ever returned for import.
 *
 * - custody holds the material and its import is pending: that import again, no identity needed;
 * - custody holds the material: it is opened with the identity and wrapped under a new public key;
 * - custody holds nothing: generate or read, wrap, write the pending import, store the copy. A pending import without
 *   its copy never reached KMS and is replaced.
 *
 * It never makes a second material for a key that has custody of one.
 *
 * @throws KeyturnError `custody-other-key`, `custody-identity-needed`, and those of custody, wrapping and source
 */
export async function prepareImport(custodian: Custodian, request: PrepareRequest): Promise<PreparedImport> {
  const { ledger, rotation } = custodian;
  if (!ledger) return prepareNew(custodian, request);
  const record = await readRecord(ledger, rotation, request.version);
  refuseOtherKey(custodian, request, record?.keyArn);
  const binding = await custodian.held(request.version);
  if (binding === undefined) {
    if (record && request.source.kind === 'generate') throw lostCopy(custodian, request);
    return prepareNew(custodian, request);
  }
  const found = await readPending(ledger, rotation, request.version);
  const pending = found?.binding === binding ? found : undefined;
  refuseOtherKey(custodian, request, pending?.keyArn);
  if (pending && isUsable(pending, request)) return reuse(pending);
  const recipients = pending?.recipients ?? record?.custody.recipients ?? custodian.recipients;
  return rewrap(custodian, request, ledger, { binding, recipients });
}

/**
 * The import that an earlier run sent and did not live to write down: still pending, and in no record, while the key has
 * material. Import it again as `EXISTING_KEY_MATERIAL`: KMS takes it only if the key's material is the one in custody. A
 * pending import whose record is written is all that a crash between the two left behind, and is removed.
 *
 * @throws KeyturnError `custody-other-key`, `custody-damaged`, `custody-read-failed`, `custody-write-failed`
 */
export async function unsettledImport(custodian: Custodian, request: Subject): Promise<PreparedImport | undefined> {
  const { ledger, rotation } = custodian;
  if (!ledger) return undefined;
  const pending = await readPending(ledger, rotation, request.version);
  if (!pending || pending.binding !== (await custodian.held(request.version))) return undefined;
  refuseOtherKey(custodian, request, pending.keyArn);
  const record = await readRecord(ledger, rotation, request.version);
  if (record?.wrapping.wrappedSha256 !== pending.wrappedSha256) return reuse(pending);
  await removePending(ledger, rotation, request.version);
  return undefined;
}

async function prepareNew(custodian: Custodian, request: PrepareRequest): Promise<PreparedImport> {
  const { version, source } = request;
  const parameters = await request.parameters();
  using material = source.kind === 'file' ? await readKeyMaterialFile(source.path) : generateKeyMaterial();
  const from = source.kind === 'file' ? 'file' : 'generated';
  const prepared = wrapped(request, material, parameters, custodian.recipients, from);
  const sealed = await custodian.seal(version, material);
  if (custodian.ledger) await writePending(custodian.ledger, pendingOf(custodian, prepared, sealed.binding));
  await sealed.store();
  if (custodian.ledger && (await custodian.held(version)) !== sealed.binding) {
    const reason = 'what was stored does not read back';
    throw new KeyturnError('custody-write-failed', { file: custodian.locate(version), reason });
  }
  return prepared;
}

interface HeldCopy {
  readonly binding: string;
  readonly recipients: readonly string[];
}

async function rewrap(
  custodian: Custodian,
  request: PrepareRequest,
  ledger: CustodyLedger,
  copy: HeldCopy,
): Promise<PreparedImport> {
  const { version, keyArn, identityFile, source } = request;
  using material = await custodian.open(version, keyArn, identityFile);
  if (source.kind === 'file') {
    using given = await readKeyMaterialFile(source.path);
    const file = custodian.locate(version);
    if (!given.equals(material)) throw new KeyturnError('custody-material-differs', { file, path: source.path });
  }
  const prepared = wrapped(request, material, await request.parameters(), copy.recipients, 'custody');
  await writePending(ledger, pendingOf(custodian, prepared, copy.binding));
  return prepared;
}

function wrapped(
  request: PrepareRequest,
  material: KeyMaterial,
  parameters: WrappingParameters,
  recipients: readonly string[],
  from: PreparedImport['from'],
): PreparedImport {
  const { ciphertext, ...wrapping } = wrapKeyMaterial(material, parameters);
  return {
    version: request.version,
    keyArn: request.keyArn,
    wrapped: ciphertext,
    importToken: Buffer.from(parameters.importToken),
    parametersValidTo: parameters.validTo,
    ...wrapping,
    recipients,
    preparedAt: request.now ?? new Date(),
    from,
  };
}

function pendingOf(custodian: Custodian, prepared: PreparedImport, binding: string): PendingImport {
  return {
    schemaVersion: 1,
    rotation: custodian.rotation,
    version: prepared.version,
    keyArn: prepared.keyArn,
    binding,
    recipients: [...prepared.recipients],
    algorithm: prepared.algorithm,
    wrappingKeySpec: prepared.wrappingKeySpec,
    publicKeySha256: prepared.publicKeySha256,
    wrappedSha256: prepared.wrappedSha256,
    wrapped: prepared.wrapped.toString('base64'),
    importToken: prepared.importToken.toString('base64'),
    validTo: prepared.parametersValidTo.toISOString(),
    preparedAt: prepared.preparedAt.toISOString(),
  };
}

function isUsable(pending: PendingImport, { publicKeySha256, now = new Date() }: PrepareRequest): boolean {
  const intact = sha256Hex(Buffer.from(pending.wrapped, 'base64')) === pending.wrappedSha256;
  const wanted = publicKeySha256 === undefined || publicKeySha256 === pending.publicKeySha256;
  return intact && wanted && Date.parse(pending.validTo) > now.getTime() + TOKEN_MARGIN;
}

function reuse(pending: PendingImport): PreparedImport {
  return {
    version: pending.version,
    keyArn: pending.keyArn,
    wrapped: Buffer.from(pending.wrapped, 'base64'),
    importToken: Buffer.from(pending.importToken, 'base64'),
    parametersValidTo: new Date(pending.validTo),
    algorithm: pending.algorithm,
    wrappingKeySpec: pending.wrappingKeySpec,
    publicKeySha256: pending.publicKeySha256,
    wrappedSha256: pending.wrappedSha256,
    recipients: pending.recipients,
    preparedAt: new Date(pending.preparedAt),
    from: 'pending',
  };
}

function refuseOtherKey(custodian: Custodian, request: Subject, held: string | undefined): void {
  if (held === undefined || held === request.keyArn) return;
  const file = custodian.locate(request.version);
  throw new KeyturnError('custody-other-key', { file, keyArn: request.keyArn, held });
}

function lostCopy(custodian: Custodian, request: PrepareRequest): KeyturnError {
  const reason = `its record says that it holds the material of ${request.keyArn}, and it is gone`;
  return new KeyturnError('custody-damaged', { file: custodian.locate(request.version), reason });
}
