import type { KeyMaterial } from '../secret';
import type { WrappedMaterial, WrappingParameters } from '../wrap';
import type { WrappingAlgorithm } from '../wrapping-key';
import type { FileOperations } from './file-operations';

/** A copy of the material that is made and not stored yet. Good only while the material it was made of lives. */
export interface SealedMaterial {
  /**
   * Tells this copy from any other: a pending import is used again only together with the very copy it was made with,
   * so that two runs at once cannot mix one run's import with the other run's custody.
   */
  readonly binding: string;
  /** Stores the copy durably. @throws KeyturnError `custody-exists` where one is held, `custody-write-failed` */
  store(): Promise<void>;
}

/** Where the files beside the material go: pending imports and records, nothing secret. */
export interface CustodyLedger {
  /** Absolute path. */
  readonly directory: string;
  readonly files: FileOperations;
}

/** What every custodian answers. A copy is never overwritten and never deleted: KMS does not give material back. */
interface Custody {
  /** Name of the rotation that this custody belongs to. */
  readonly rotation: string;
  /** Those who can read a copy that is sealed now. */
  readonly recipients: readonly string[];
  /** Undefined where nothing at all is kept. */
  readonly ledger: CustodyLedger | undefined;
  /** Where a person finds the copy, as messages say it. */
  locate(version: string): string;
  /** The binding of the copy that is held; undefined where none is. */
  copyBinding(version: string): Promise<string | undefined>;
}

/** Keeps the only copy of the key material outside KMS, one a key version, and gives it back to this process. */
export interface MaterialCustodian extends Custody {
  readonly kind: 'age' | 'command' | 'none';
  /** Makes the copy without storing it. The material stays the caller's. */
  seal(version: string, material: KeyMaterial): Promise<SealedMaterial>;
  /**
   * Reads the copy back; the caller disposes it.
   *
   * @throws KeyturnError `custody-identity-needed`, `custody-identity-file`, `custody-identity-mismatch`, `custody-damaged`
   */
  open(version: string, keyArn: string, identityFile: string | undefined): Promise<KeyMaterial>;
}

/** Keeps the material inside a hardware module: made there, wrapped there, and never in the memory of this process. */
export interface HsmCustodian extends Custody {
  readonly kind: 'pkcs11';
  readonly ledger: CustodyLedger;
  /** The wrapping that the token can do, the preferred one first. @throws KeyturnError `hsm-unsupported` where it can do none */
  wrapping(): Promise<WrappingAlgorithm>;
  /** Makes the material inside and keeps it; returns its binding. @throws KeyturnError `custody-exists`, `hsm-failed` */
  generate(version: string): Promise<string>;
  /** @throws KeyturnError `wrapping-key-rejected`, `custody-damaged`, `hsm-unsupported`, `hsm-failed` */
  wrap(version: string, parameters: WrappingParameters): Promise<WrappedMaterial>;
}

export type Custodian = MaterialCustodian | HsmCustodian;
