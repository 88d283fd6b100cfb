import type { AwsBehavior } from './behavior';
import { type MovableClock, movableClock } from './clock';
import { createCloudTrail } from './cloudtrail';
import { createTrail, type Trail } from './cloudtrail/trail';
import { type AccessKey, type Credentials, createCredentials, defaultAccessKey } from './credentials';
import { createFaults, type Faults } from './faults';
import { createAccounts } from './iam/accounts';
import type { NewRole } from './iam/new-role';
import { createKms } from './kms';
import { createThrottle } from './kms/quota';
import { type LocalAwsOptions, settle } from './options';
import { createPermissions } from './permissions';
import { createRequests, type Requests } from './requests';
import { createS3, type S3 } from './s3';
import type { BatchSettings, Jobs } from './s3-control';
import { createControls } from './s3-control/controls';
import { servedCloudTrail, servedIam, servedKms, servedS3, servedSts } from './served';
import { createVerifier } from './signature/verify';
import { createSts } from './sts';
import { createPipeline, type Pipeline } from './transport/pipeline';
import { listen } from './transport/server';
import { Refusal } from './wire/refusal';

export { AWS_BEHAVIOR, type AwsBehavior, type BehaviorName, CONFIRMED_FORMAT, readConfirmed } from './behavior';
export type { Trail } from './cloudtrail/trail';
export type { AccessKey, Credentials } from './credentials';
export type { FaultAction, FaultMatch, FaultRule, Faults } from './faults';
export { awsQuotas } from './kms/quota';
export type { WrappingKeySource } from './kms/state/wrapping-keys';
export type { Need } from './need';
export type { LocalAwsOptions, NewUser } from './options';
export type { RequestEvent, RequestHook, RequestRecord, Requests } from './requests';
export type { JobStatus, Jobs } from './s3-control';

/** A running endpoint. */
export interface LocalAws {
  /** `http://127.0.0.1:<port>`: an address, so that every SDK addresses buckets by path. */
  readonly url: string;
  readonly port: number;
  readonly region: string;
  /** Every Region that it answers for, {@link region} first. */
  readonly regions: readonly string[];
  readonly accountId: string;
  /** The access key that was accepted from the start. */
  readonly accessKey: AccessKey;
  readonly credentials: Credentials;
  /** The time of keys, tokens and objects. Signatures are judged by the host's clock, so that clients stay right. */
  readonly clock: MovableClock;
  readonly faults: Faults;
  readonly requests: Requests;
  /** What CloudTrail keeps of the calls of KMS; add what a service would do in its own name. */
  readonly trail: Trail;
  /** Makes an IAM role without a request: one that somebody else has made. Answers its ARN. */
  addRole(role: NewRole): string;
  /** Puts the account under a service control policy, which holds for the sessions of roles, and for users where policies are enforced. */
  controlBy(statements: readonly object[]): void;
  /** The jobs of S3 Batch Operations: held, let go, and spoiled. */
  readonly jobs: Jobs;
  /** Answers one request without a socket, to a transport in the same process. */
  readonly answer: Pipeline;
  /** What the buckets hold, as it is stored: ciphertext and wrapped keys. For proofs that nothing is kept in clear. */
  readonly stored: Pick<S3, 'buckets' | 'versions'>;
  /** The variables that point an SDK, the AWS CLI or Terraform here, and keep it from looking for credentials elsewhere. */
  environment(key?: AccessKey): Record<string, string>;
  /** Stops listening and drops every connection. What was stored is gone. */
  close(): Promise<void>;
}

/**
 * Starts an endpoint that answers as KMS, S3, STS, IAM and CloudTrail on one port, in memory.
 * Throws `RangeError` for an option out of range, and the error of `listen` where the port is taken.
 */
export async function startLocalAws(options: LocalAwsOptions = {}): Promise<LocalAws> {
  const { port, host, region, regions, accountId, users, behavior } = settle(options);
  // Asked anew each time: a test that replaces Date moves the clients of its process too.
  const hostClock = { now: () => Date.now() };
  const clock = movableClock(options.clock);
  const accessKey = options.credentials ?? defaultAccessKey;
  const credentials = createCredentials(accountId, clock, accessKey);
  credentials.enforced = options.enforce ?? false;
  for (const user of users) credentials.addUser(user.name, user.accessKey, user.accountId);
  const faults = createFaults(options.faults);
  const requests = createRequests(options.requestLog ?? (() => undefined));
  const { roles, iamOf } = createAccounts({ region, accountId }, clock);
  const permissions = createPermissions(credentials, roles, (bucket) => s3.placed(bucket));
  const trail = createTrail({ region, accountId }, clock, () => faults.trailDelay);
  const kms = createKms({
    trail,
    regions,
    clock,
    newKeyLag: () => faults.newKeyLag,
    rotationDelay: () => faults.rotationDelay,
    multiRegionDelay: () => faults.multiRegionDelay,
    permissions,
    quotas: options.quotas ?? {},
    wrappingKeySource: options.wrappingKeySource,
    behavior,
  });
  const s3 = createS3({
    clock,
    dataKeysIn: kms.dataKeysIn,
    regions,
    permissions,
    limits: options.s3Limits,
    behavior,
  });
  const s3Service = servedS3(s3);
  const settings = { ...jobsOf(behavior), ...options.batch };
  const control = createControls({
    clock,
    home: { region, accountId },
    s3,
    servedS3: s3Service,
    permissions,
    faults,
    requests,
    roles,
    settings,
  });
  const sts = servedSts(createSts({ roles, credentials, permissions, clock }));
  const rateExceeded = () => new Refusal('ThrottlingException', 400, 'Rate exceeded');
  const throttle = createThrottle(options.quotas ?? {}, clock, rateExceeded);
  const cloudtrail = servedCloudTrail(createCloudTrail({ trail, throttle }));
  const services = {
    kms: servedKms(kms.service),
    s3: s3Service,
    s3control: control.served,
    sts,
    iam: servedIam(iamOf),
    cloudtrail,
  };
  const verify = createVerifier(credentials, regions, hostClock, clock);
  const pipeline = createPipeline({ services, verify, permissions, faults, requests, placed: s3.placed });
  const listening = await listen(pipeline, hostClock, host, port);
  const url = `http://${host === '::1' ? '[::1]' : host}:${listening.port}`;
  return {
    url,
    port: listening.port,
    region,
    regions,
    accountId,
    accessKey,
    credentials,
    clock,
    faults,
    requests,
    trail,
    addRole: (role) => iamOf(accountId).addRole(role),
    controlBy: (policies) => iamOf(accountId).controlBy(policies),
    jobs: control.jobs,
    answer: pipeline,
    stored: s3,
    environment: (key = accessKey) => environment(url, region, key),
    close() {
      control.stop();
      return listening.close();
    },
  };
}

/** The settings that jobs go by. */
function jobsOf({ generatedManifests, emptyManifests }: AwsBehavior): BatchSettings {
  return { generatedManifests, emptyManifests };
}

function environment(url: string, region: string, key: AccessKey): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    // Set even when empty: a token left over from the person's own session would not belong to this key.
    AWS_SESSION_TOKEN: key.sessionToken ?? '',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false',
  };
}
