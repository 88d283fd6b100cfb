import type { KMSClient } from '@aws-sdk/client-kms';
import type { S3Client } from '@aws-sdk/client-s3';
import type { S3ControlClient } from '@aws-sdk/client-s3-control';
import type { STSClient } from '@aws-sdk/client-sts';
import type { Rotation } from '../lib/rotation/rotation';
import type { Reporter } from '../lib/workflow/reporter';
import type { RotationRun } from '../lib/workflow/rotation-run';
import type { ProofBook } from './proofs';
import type { Stopwatch } from './stopwatch';

/** What AssumeRole answers; the token of an access key that is no session's is empty. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Those who use v1 because somebody added them to its policy by hand. The rotation file does not name them. */
export interface Guests {
  /** ARN of a role of the account. Its own policies let it read objects, and use no key. */
  readonly reader: string;
  /** An AWS service that writes logs in its own name. */
  readonly delivery: SessionCredentials & { readonly service: string; readonly sourceArn: string };
  /** A user of another account. */
  readonly partner: SessionCredentials & { readonly arn: string };
}

/** The environment of a rehearsal, built by the script that starts the endpoint. */
export interface Stage {
  /** The rotation whose names and settings are rehearsed. */
  readonly sample: Rotation;
  /** Absolute path of the rehearsal's own rotation file; everything else is next to it. */
  readonly rotationFile: string;
  /** The value of `custody` in the rehearsal's rotation file. */
  readonly custody: Readonly<Record<string, unknown>>;
  /** ARN of the role that reads the objects, as which the disable is rehearsed; absent: there is none. */
  readonly readers: string | undefined;
  readonly guests: Guests;
  /** Whether the policies of keys, buckets and identities decide for every access key, also for the one of the rehearsal. */
  readonly policies: { enforced: boolean };
  /** Which engine re-encrypts. */
  readonly engine: 'local' | 'batch';
  /** Ordinary clients: every proof uses these, never Keyturn's own code. */
  readonly kms: KMSClient;
  readonly s3: S3Client;
  readonly s3Control: S3ControlClient;
  readonly sts: STSClient;
  /** The client of S3 that acts as a session. */
  s3As(session: SessionCredentials): S3Client;
  readonly clock: { advance(milliseconds: number): void };
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly proofs: ProofBook;
  readonly stopwatch: Stopwatch;
  /** Opens a run on the current rotation file, like the command of that name. */
  perform<T>(command: string, body: (run: RotationRun) => Promise<T>): Promise<T>;
}
