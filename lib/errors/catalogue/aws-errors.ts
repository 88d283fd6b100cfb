import { entry } from '../entry';
import { EXIT } from '../exit-codes';

/** Kinds of hosts that are not there for everybody. */
const HOSTS: readonly (readonly [host: RegExp, advice: string])[] = [
  [
    /[.-]fips\./,
    'AWS_USE_FIPS_ENDPOINT (or use_fips_endpoint of the profile) is on: where the Region has no FIPS endpoint of this service, unset it; then run the same command again',
  ],
  [
    /\.dualstack\.|\.api\.(aws|amazonwebservices|cloud-aws)\b/,
    'AWS_USE_DUALSTACK_ENDPOINT (or use_dualstack_endpoint of the profile) is on: where this service has no dual-stack endpoint, unset it; then run the same command again',
  ],
  [
    /\.(c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/,
    'an isolated Region is reached from its own network alone: check the region, and where this machine is; then run the same command again',
  ],
];

function adviceAbout(url: string): string {
  const host = url.replace(/^[a-z]+:\/\//, '').replace(/[:/].*$/, '');
  const special = HOSTS.find(([pattern]) => pattern.test(host))?.[1];
  return special ?? 'check the network, AWS_ENDPOINT_URL and the region, then run the same command again';
}

/** Errors of AWS, whatever the service, and of KMS. */
export const awsErrors = {
  'aws-access-denied': entry<{ action: string; resource: string; awsMessage: string; requestId: string | undefined }>(
    EXIT.permission,
    (f) => `access denied: ${f.action} on ${f.resource} (${f.awsMessage})`,
    (f) =>
      `allow ${f.action} on ${f.resource} for this identity, in IAM and in the key or bucket policy; then run the same command again`,
  ),
  'aws-credentials-missing': entry<{
    action: string;
    reason: string;
    /** The profile that the credentials were to come from. */
    profile?: string | undefined;
    /** A file that could not be read. */
    file?: string | undefined;
  }>(
    EXIT.permission,
    (f) =>
      `no AWS credentials for ${f.action}${f.profile === undefined ? '' : ` from the profile ${f.profile}`}: ${f.reason}`,
    (f) =>
      f.file !== undefined
        ? 'check that the file is there and readable: AWS_WEB_IDENTITY_TOKEN_FILE or the profile names it; then run the same command again'
        : f.profile !== undefined
          ? `check that \`aws configure list-profiles\` shows ${f.profile}, and that it has credentials; then run the same command again`
          : 'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then run the same command again',
  ),
  'aws-credentials-expired': entry<{ action: string; reason: string }>(
    EXIT.permission,
    (f) => `the AWS credentials have expired (${f.action}: ${f.reason})`,
    () => 'renew them (for SSO: aws sso login), then run the same command again: it resumes from the state in AWS',
  ),
  'aws-credentials-rejected': entry<{ action: string; awsCode: string; awsMessage: string }>(
    EXIT.permission,
    (f) => `AWS rejected the credentials (${f.action}: ${f.awsCode}: ${f.awsMessage})`,
    () =>
      'check AWS_PROFILE, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; check that the credentials belong to this endpoint: those of AWS GovCloud (US), China, the isolated Regions and the European Sovereign Cloud work there alone, and no others do',
  ),
  'aws-endpoint-unreachable': entry<{ action: string; url: string; reason: string; proxy?: string | undefined }>(
    EXIT.error,
    (f) =>
      `cannot reach ${f.url} for ${f.action}${f.proxy === undefined ? '' : ` through the proxy of ${f.proxy}`}: ${f.reason}`,
    (f) =>
      f.proxy === undefined
        ? adviceAbout(f.url)
        : 'check the proxy; NO_PROXY lists the hosts that are reached without it',
  ),
  'aws-endpoint-invalid': entry<{ where: string; reason: string; fix: string }>(
    EXIT.usage,
    (f) => `the endpoint of ${f.where} cannot be used: ${f.reason}`,
    (f) => f.fix,
  ),
  'aws-tls-untrusted': entry<{ action: string; url: string; reason: string; bundle: string | undefined }>(
    EXIT.error,
    (f) =>
      `the TLS certificate of ${f.url} is not trusted for ${f.action}: ${f.reason}${f.bundle === undefined ? '' : ` (trusted: the certificates in ${f.bundle})`}`,
    (f) =>
      f.bundle === undefined
        ? "set AWS_CA_BUNDLE (or ca_bundle in the profile) to a PEM file with the certificate of your network's authority"
        : `add the certificate of your network's authority to ${f.bundle}, or unset AWS_CA_BUNDLE to trust the public authorities`,
  ),
  'aws-ca-bundle-unreadable': entry<{ file: string; reason: string }>(
    EXIT.error,
    (f) => `cannot use the certificates that AWS_CA_BUNDLE or ca_bundle names, ${f.file}: ${f.reason}`,
    () => 'point it to a file of PEM certificates, or unset it',
  ),
  'aws-proxy-invalid': entry<{ reason: string }>(
    EXIT.usage,
    (f) => f.reason,
    () => 'set it to http://host:port or https://host:port',
  ),
  'endpoint-insecure': entry<{ url: string }>(
    EXIT.refusedByGate,
    (f) =>
      `key material is not imported through ${f.url}: plain http leads off this machine, so nobody knows who answers`,
    () => 'use https, or an endpoint on this machine; check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_KMS and the profile',
  ),
  'aws-wrong-region': entry<{
    action: string;
    given: string | undefined;
    expected: string | undefined;
    awsMessage: string;
  }>(
    EXIT.rotationFile,
    (f) => {
      const given = f.given ? `region ${f.given}` : 'the region of the rotation file';
      const expected = f.expected ? `the endpoint expects ${f.expected}` : 'which the endpoint does not serve';
      return `${f.action} was sent to ${given}, ${expected} (${f.awsMessage})`;
    },
    (f) => `set region: ${f.expected ?? 'the region of the keys and buckets'} in the rotation file`,
  ),
  'aws-clock-skew': entry<{ action: string; awsMessage: string }>(
    EXIT.error,
    (f) => `the clock of this machine differs too much from AWS (${f.action}: ${f.awsMessage})`,
    () => 'synchronize the clock (NTP), then run the same command again',
  ),
  'aws-throttled': entry<{ action: string; resource: string; awsCode: string; awsMessage: string }>(
    EXIT.error,
    (f) => `AWS still throttles ${f.action} on ${f.resource} after retries (${f.awsCode}: ${f.awsMessage})`,
    () => 'wait a minute, then run the same command again: it resumes from the state in AWS',
  ),
  'aws-failed': entry<{
    action: string;
    resource: string;
    awsCode: string;
    awsMessage: string;
    requestId: string | undefined;
  }>(
    EXIT.error,
    (f) =>
      `${f.action} on ${f.resource} failed: ${f.awsCode}: ${f.awsMessage}${f.requestId ? ` (request ${f.requestId})` : ''}`,
    () => 'nothing else was changed; fix the cause that AWS reports and run the same command again',
  ),
  'account-mismatch': entry<{ declared: string; given: string; identity: string; file: string }>(
    EXIT.rotationFile,
    (f) => `the credentials belong to account ${f.given} (${f.identity}), but ${f.file} declares account ${f.declared}`,
    (f) => `use credentials of account ${f.declared}, or correct account: in ${f.file}`,
  ),
  'region-mismatch': entry<{ declared: string; given: string; file: string }>(
    EXIT.rotationFile,
    (f) => `the AWS clients use region ${f.given}, but ${f.file} declares ${f.declared}`,
    (f) => `use region ${f.declared}, or correct region: in ${f.file}`,
  ),

  'kms-key-missing': entry<{ key: string }>(
    EXIT.error,
    (f) => `KMS has no key ${f.key}`,
    () => 'apply the keys stack first; check account and region',
  ),
  'kms-wait-timeout': entry<{ keyArn: string; awaited: string; state: string; seconds: number }>(
    EXIT.error,
    (f) => `${f.keyArn} is not ${f.awaited} after ${f.seconds} s (key state ${f.state})`,
    () => 'KMS is eventually consistent and can take minutes; run the same command again',
  ),
  'kms-wrapping-unsupported': entry<{ algorithm: string; reason: string }>(
    EXIT.usage,
    (f) => `wrapping algorithm ${f.algorithm} cannot be used: ${f.reason}`,
    () => 'use RSAES_OAEP_SHA_256 with RSA_4096, the default',
  ),
  'kms-import-refused': entry<{ keyArn: string; awsCode: string; awsMessage: string; reason: string; next: string }>(
    EXIT.error,
    (f) => `KMS refused the key material for ${f.keyArn}: ${f.reason} (${f.awsCode}: ${f.awsMessage})`,
    (f) => f.next,
  ),
  'kms-import-expiry': entry<{ keyArn: string; validTo: string; reason: string }>(
    EXIT.rotationFile,
    (f) => `key material for ${f.keyArn} cannot be imported with expiry ${f.validTo}: ${f.reason}`,
    () => 'set materialValidTo to a date in the next 365 days, or leave it out for material that does not expire',
  ),
  'kms-proof-failed': entry<{ keyArn: string; reason: string }>(
    EXIT.error,
    (f) => `Keyturn could not prove the imported key material of ${f.keyArn}: ${f.reason}`,
    () =>
      'do not switch to this key version; run `npx keyturn pre-apply` again; if it fails again, save custody and this output for support',
  ),
  'kms-disable-denied': entry<{ keyArn: string; awsMessage: string }>(
    EXIT.permission,
    (f) => `access denied: kms:DisableKey on ${f.keyArn} (${f.awsMessage})`,
    () =>
      'allow kms:DisableKey; if a policy denies it with kms:TrailingDaysWithoutKeyUsage, wait that many days after the last use of the key (the re-encryption used it); then run `npx keyturn post-apply` again',
  ),
} as const;
