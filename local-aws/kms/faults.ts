import { KmsFault } from '../message';
import type { Need } from '../need';

/** KMS's errors in KMS's words, as far as more than one operation answers with them. */
export const keyNotFound = (arn: string): KmsFault => new KmsFault('NotFoundException', `Key '${arn}' does not exist`);

export const aliasNotFound = (arn: string): KmsFault => new KmsFault('NotFoundException', `Alias ${arn} is not found.`);

export const invalidKeyId = (keyId: string): KmsFault => new KmsFault('NotFoundException', `Invalid keyId '${keyId}'`);

export const invalidArn = (what: string): KmsFault => new KmsFault('InvalidArnException', `Invalid arn ${what}`);

/** A key's ARN of another Region than the one that is asked. */
export const otherRegion = (region: string): KmsFault => new KmsFault('NotFoundException', `Invalid arn ${region}`);

export const validation = (message: string): KmsFault => new KmsFault('ValidationException', message);

export const unsupported = (message: string): KmsFault => new KmsFault('UnsupportedOperationException', message);

/** KMS does not distinguish the two kinds of invalid ciphertexts, and gives no message. */
export const invalidCiphertext = (): KmsFault => new KmsFault('InvalidCiphertextException', '');

/** `because` ends the message: which policy does not allow it, or denies it. */
export const accessDenied = (callerArn: string, { action, resource }: Need, because: string): KmsFault =>
  new KmsFault(
    'AccessDeniedException',
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ${because}`,
  );

/** The key of a ciphertext is gone, in another Region or somebody else's: KMS does not say which. */
export const ciphertextKeyUnknown = (): KmsFault =>
  new KmsFault(
    'AccessDeniedException',
    'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
  );
