import { boundKeyArn, type Rotation, versionAlias, versionsWithKeys } from '../rotation/rotation';
import type { PlanDocument } from './plan-document';
import { text, type Values } from './plan-values';

/** The known facts of a key in a plan. */
export interface KnownKey {
  /** Full ARN. */
  readonly arn: string;
  /** Name of the declared version of this key; undefined: not a declared version. */
  readonly version: string | undefined;
  /** `Enabled`, `PendingImport`, …; undefined: unknown. */
  readonly state: string | undefined;
}

/** A key as AWS reports it; the caller reads it. */
export interface KeyFromAws {
  readonly version: string;
  readonly arn: string;
  readonly state: string;
}

/** Who says which key a version is. */
export type KeySource = 'rotation-file' | 'binding' | 'keys-stack' | 'look-up' | 'aws';

/** That a version is a certain key. */
export interface KeyClaim {
  readonly version: string;
  readonly arn: string;
  readonly source: KeySource;
}

/** The keys known from the plans of one review and, if read, from AWS. AWS takes precedence over the plans. */
export class KnownKeys {
  readonly #byId = new Map<string, KnownKey>();
  readonly #byVersion = new Map<string, KnownKey>();
  readonly #claims: KeyClaim[] = [];

  constructor(rotation: Rotation, plans: readonly PlanDocument[], fromAws: readonly KeyFromAws[]) {
    for (const { name, keyArn } of rotation.keyVersions) {
      if (keyArn !== undefined) this.#learn({ arn: keyArn, version: name, state: undefined }, 'rotation-file');
    }
    for (const version of versionsWithKeys(rotation)) {
      const arn = version.keyArn === undefined ? boundKeyArn(rotation, version) : undefined;
      if (arn !== undefined) this.#learn({ arn, version: version.name, state: undefined }, 'binding');
    }
    for (const plan of plans) for (const key of managedKeys(rotation, plan)) this.#learn(key, 'keys-stack');
    for (const plan of plans) for (const key of lookedUpKeys(rotation, plan)) this.#learn(key, 'look-up');
    // Rotated in place, every version uses the key of the first, and the key has the name of the first.
    const holders = new Set(versionsWithKeys(rotation).map(({ name }) => name));
    for (const key of fromAws.filter(({ version }) => holders.has(version))) this.#learn(key, 'aws');
  }

  /** By full ARN, or by bare key id, because providers write either. */
  find(reference: string): KnownKey | undefined {
    return this.#byId.get(idOf(reference));
  }

  behind(version: string): KnownKey | undefined {
    return this.#byVersion.get(version);
  }

  /** Everything that says which key a version is, in the order in which the sources are trusted. */
  get claims(): readonly KeyClaim[] {
    return this.#claims;
  }

  #learn(key: KnownKey, source: KeySource): void {
    if (key.version !== undefined) this.#claims.push({ version: key.version, arn: key.arn, source });
    const before = this.#byId.get(idOf(key.arn));
    const known = { arn: key.arn, version: key.version ?? before?.version, state: key.state ?? before?.state };
    this.#byId.set(idOf(key.arn), known);
    if (known.version !== undefined) this.#byVersion.set(known.version, known);
  }
}

/** `arn:…:key/<id>` and `<id>` are the same key; an alias is returned unchanged. */
export function idOf(reference: string): string {
  return /^arn:[^:]*:kms:[^:]*:\d+:key\/(.+)$/.exec(reference)?.[1] ?? reference;
}

/** Keys of the keys stack in their planned state. */
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

/** Keys that the storage stack looked up during the plan. */
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
