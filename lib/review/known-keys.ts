import { type Rotation, versionAlias, versionsWithKeys } from '../rotation/rotation';
import type { PlanDocument } from './plan-document';
import { text, type Values } from './plan-values';

/** What is known of a key that a plan names. */
export interface KnownKey {
  /** Full ARN. */
  readonly arn: string;
  /** Name of the declared version it stands behind; undefined: it is no declared version's. */
  readonly version: string | undefined;
  /** `Enabled`, `PendingImport`, …; undefined: not seen. */
  readonly state: string | undefined;
}

/** A key as AWS says it is, handed in by whoever asked AWS. */
export interface KeyFromAws {
  readonly version: string;
  readonly arn: string;
  readonly state: string;
}

/** The keys that the plans of one review, and AWS where it was asked, tell of. What AWS says goes before what plans say. */
export class KnownKeys {
  readonly #byId = new Map<string, KnownKey>();
  readonly #byVersion = new Map<string, KnownKey>();

  constructor(rotation: Rotation, plans: readonly PlanDocument[], fromAws: readonly KeyFromAws[]) {
    for (const { name, keyArn } of rotation.keyVersions) {
      if (keyArn !== undefined) this.#learn({ arn: keyArn, version: name, state: undefined });
    }
    for (const plan of plans) for (const key of managedKeys(rotation, plan)) this.#learn(key);
    for (const plan of plans) for (const key of lookedUpKeys(rotation, plan)) this.#learn(key);
    // Rotated in place, every version is seen on the first one's key, and the key is called by that one.
    const holders = new Set(versionsWithKeys(rotation).map(({ name }) => name));
    for (const key of fromAws.filter(({ version }) => holders.has(version))) this.#learn(key);
  }

  /** By full ARN, or by bare key id, as providers also write it. */
  find(reference: string): KnownKey | undefined {
    return this.#byId.get(idOf(reference));
  }

  behind(version: string): KnownKey | undefined {
    return this.#byVersion.get(version);
  }

  #learn(key: KnownKey): void {
    const before = this.#byId.get(idOf(key.arn));
    const known = { arn: key.arn, version: key.version ?? before?.version, state: key.state ?? before?.state };
    this.#byId.set(idOf(key.arn), known);
    if (known.version !== undefined) this.#byVersion.set(known.version, known);
  }
}

/** `arn:…:key/<id>` and `<id>` are one key; an alias is none, and stays as it is. */
function idOf(reference: string): string {
  return /^arn:[^:]*:kms:[^:]*:\d+:key\/(.+)$/.exec(reference)?.[1] ?? reference;
}

/** Keys that the keys stack manages, as they will be after the plan where it says so. */
function managedKeys(rotation: Rotation, plan: PlanDocument): readonly KnownKey[] {
  const found = new Map<string, Values>();
  for (const { type, address, values } of plan.prior) if (type === 'aws_kms_external_key') found.set(address, values);
  for (const { type, address, before, after } of plan.changes) {
    if (type === 'aws_kms_external_key') found.set(address, { ...found.get(address), ...before, ...after });
  }
  return rotation.keyVersions.flatMap((version) => {
    const held = found.get(`aws_kms_external_key.version_${version.name}`);
    const arn = text(held?.arn);
    if (held === undefined || arn === undefined) return [];
    const state = held.enabled === false && held.key_state === 'Enabled' ? 'Disabled' : text(held.key_state);
    return [{ arn, version: version.name, state }];
  });
}

/** Keys that the storage stack looked up when it was planned. */
function lookedUpKeys(rotation: Rotation, plan: PlanDocument): readonly KnownKey[] {
  return plan.prior.flatMap(({ type, mode, values }) => {
    const arn = text(values.arn);
    if (mode !== 'data' || type !== 'aws_kms_key' || arn === undefined) return [];
    const version = versionsWithKeys(rotation).find(
      (one) => (one.keyArn ?? versionAlias(rotation, one)) === values.key_id && values.key_id !== undefined,
    );
    return [{ arn, version: version?.name, state: text(values.key_state) }];
  });
}
