import { isCode } from '../errors';
import { awsCodeOf } from './failures';

/** What an answer says, or why there is none: the IAM action that is denied, or that the endpoint does not know. */
export type Answered<T> = { readonly known: T } | { readonly known: undefined; readonly unknown: string };

/** Error codes of endpoints for an unsupported operation. */
const UNKNOWN_OPERATION = new Set(['UnknownOperationException', 'UnknownOperation', 'InvalidAction', 'NotImplemented']);

/** The answer to a question that a caller may be denied, or an endpoint may not understand. */
export async function answered<T>(action: string, ask: () => Promise<T>): Promise<Answered<T>> {
  try {
    return { known: await ask() };
  } catch (error) {
    if (isCode(error, 'aws-access-denied')) return { known: undefined, unknown: `${action} is denied` };
    if (!UNKNOWN_OPERATION.has(awsCodeOf(error) ?? '')) throw error;
    return { known: undefined, unknown: `the endpoint does not know ${action}` };
  }
}

const UNANSWERED = ['aws-endpoint-unreachable', 'aws-tls-untrusted', 'aws-throttled', 'aws-failed'] as const;

/**
 * The same for a source that a command can do without: no answer, for whatever reason of the network or the service, is an
 * unknown one.
 */
export async function answeredIfPossible<T>(action: string, ask: () => Promise<T>): Promise<Answered<T>> {
  try {
    return await answered(action, ask);
  } catch (error) {
    if (!UNANSWERED.some((code) => isCode(error, code))) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { known: undefined, unknown: `${action} has no answer: ${reason}` };
  }
}
