/** A grant on a key. */
export interface Grant {
  readonly id: string;
  readonly token: string;
  readonly name: string | undefined;
  readonly createdAt: number;
  readonly grantee: string;
  readonly retiring: string | undefined;
  /** Whether the grantee, and who may retire the grant, is an AWS service. */
  readonly isService: boolean;
  readonly isRetiredByService: boolean;
  readonly operations: readonly string[];
  readonly constraints: GrantConstraints | undefined;
}

export interface GrantConstraints {
  readonly EncryptionContextSubset?: Readonly<Record<string, string>>;
  readonly EncryptionContextEquals?: Readonly<Record<string, string>>;
  readonly SourceArn?: string | undefined;
}
