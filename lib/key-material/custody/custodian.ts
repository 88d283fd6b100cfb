import type { KeyMaterial } from '../secret';
import type { WrappedMaterial, WrappingParameters } from '../wrap';
import type { WrappingAlgorithm } from '../wrapping-key';
import type { FileOperations } from './file-operations';

/** A sealed copy of the material that is not stored yet. Valid only until the material is disposed. */
export interface SealedMaterial {
  /**
   * Identifies this copy: a pending import is reused only with the copy it was made with, so that two concurrent runs
   * cannot mix one run's import with the other run's custody.
   */
  readonly binding: string;
  /** Stores the copy durably. @throws KeyturnError `custody-exists` if there is a copy, `custody-write-failed` */
  store(): Promise<void>;
}

/** Where pending imports and records are stored; they are not secret. */
export interface CustodyLedger {
  /** Absolute path. */
  readonly directory: string;
  readonly files: FileOperations;
}

/**
 * The common part of all custodians. A copy is never overwritten with other material and never deleted, because KMS
 * does not return material.
 */
interface Custody {
  /** Name of the rotation that this custody belongs to. */
  readonly rotation: string;
  /** The recipients of a new copy. */
  readonly recipients: readonly string[];
  /** Undefined if nothing is stored. */
  readonly ledger: CustodyLedger | undefined;
  /** Location of the copy, for messages. */
  locate(version: string): string;
  /** The binding of the stored copy; undefined if there is none. */
  copyBinding(version: string): Promise<string | undefined>;
}

/** Stores the only copy of the key material outside KMS, one per key version, and returns it to this process. */
export interface MaterialCustodian extends Custody {
  readonly kind: 'age' | 'command' | 'none';
  /** Creates the copy without storing it. The caller still owns the material. */
  seal(version: string, material: KeyMaterial): Promise<SealedMaterial>;
  /**
   * Seals the same material for the recipients of now, in place of the copy. The caller has proven that it is the material of the key.
   * Returns the binding of the new copy. Absent: its copies name no recipients. @throws KeyturnError `custody-write-failed`
   */
  reseal?(version: string, material: KeyMaterial): Promise<string>;
  /**
   * Reads the copy back; the caller must dispose it.
   *
   * @throws KeyturnError `custody-identity-needed`, `custody-identity-file`, `custody-identity-mismatch`,
   * `custody-damaged`
   */
  open(version: string, keyArn: string, identityFile: string | undefined): Promise<KeyMaterial>;
}

/** Holds the material in a hardware module, which generates and wraps it; it is never in the memory of this process. */
export interface HsmCustodian extends Custody {
  readonly kind: 'pkcs11';
  readonly ledger: CustodyLedger;
  /**
   * The wrapping algorithm that the token supports; the preferred one first. @throws KeyturnError `hsm-unsupported`
   * if it supports none
   */
  wrapping(): Promise<WrappingAlgorithm>;
  /**
   * Generates and stores the material in the module; returns its binding. @throws KeyturnError `custody-exists`,
   * `hsm-failed`
   */
  generate(version: string): Promise<string>;
  /** @throws KeyturnError `wrapping-key-rejected`, `custody-damaged`, `hsm-unsupported`, `hsm-failed` */
  wrap(version: string, parameters: WrappingParameters): Promise<WrappedMaterial>;
}

export type Custodian = MaterialCustodian | HsmCustodian;
