import { called } from '../aws/failures';
import { isCode } from '../errors';
import { pauseFor } from '../kms/wait-for-key';

/** AWS understood a request and refused it for what it asks. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Codes that say nothing about the question: the service lacks the operation, has trouble, or misses something else. */
const NO_ANSWER =
  /^(NotImplemented|MethodNotAllowed|Unsupported.*|UnknownOperation.*|Validation.*|Serialization.*|MalformedXML|LimitExceeded.*|.*Internal.*|ServiceUnavailable|.*Timeout.*|KeyUnavailable.*|IncompleteAnswer|NoSuchBucket|OperationAborted|ConditionalRequestConflict|TooManyBuckets|Unknown|HTTP 5\d\d)$/;

/** The refusal in a failure; undefined where AWS did not answer the question, such as for a permission that is missing. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!isCode(error, 'aws-failed') && !isCode(error, 'kms-import-refused')) return undefined;
  const { awsCode: code, awsMessage: message } = error.facts;
  return NO_ANSWER.test(code) ? undefined : { code, message };
}

/**
 * Sends one request whose refusal is an answer.
 *
 * @param action - as {@link called} takes it
 * @throws KeyturnError for every failure that is none
 */
export function attempt(action: string, resource: string, send: () => Promise<unknown>): Promise<Refusal | 'accepted'> {
  return outcomeOf(() => called(action, resource, send));
}

/** The same for a request that was permitted a moment ago: a denial is an answer, too. */
export async function attemptAgain(
  action: string,
  resource: string,
  send: () => Promise<unknown>,
): Promise<Refusal | 'accepted'> {
  try {
    return await attempt(action, resource, send);
  } catch (error) {
    if (isCode(error, 'aws-access-denied')) return { code: 'AccessDenied', message: error.facts.awsMessage };
    throw error;
  }
}

/** The same for a call that maps its failures itself. */
export async function outcomeOf(call: () => Promise<unknown>): Promise<Refusal | 'accepted'> {
  try {
    await call();
    return 'accepted';
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

/** A refusal for the table. */
export const refusalText = ({ code, message }: Refusal): string => (message === '' ? code : `${code}: ${message}`);

/** Attempts and milliseconds between them: KMS is eventually consistent, so one refusal may be about an older state. */
const STEADY = { attempts: 3, pauseMs: 2_000 };

/** {@link outcomeOf}, where a refusal only counts after three. */
export async function steadyOutcomeOf(
  call: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<Refusal | 'accepted'> {
  for (let attempted = 1; ; attempted += 1) {
    const outcome = await outcomeOf(call);
    if (outcome === 'accepted' || attempted === STEADY.attempts) return outcome;
    await pauseFor(STEADY.pauseMs, signal, 'a pause before the same request again');
  }
}
