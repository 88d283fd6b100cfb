import { isCode, KeyturnError, throwIfInterrupted } from '../errors';
import { notSettled, type Probe, type ProbeAnswer } from './probe';
import type { Sandbox } from './sandbox';

/** One probe and its answer. */
export interface Answered {
  readonly probe: Probe;
  readonly answer: ProbeAnswer;
}

/**
 * Asks the probes one after the other. A probe that fails is not settled, with the reason; it never gets a verdict.
 *
 * @param onAnswer - called after each probe
 * @throws KeyturnError `interrupted`, and what ends the credentials or the connection
 */
export async function runProbes(
  sandbox: Sandbox,
  probes: readonly Probe[],
  onAnswer: (answered: Answered) => void,
): Promise<readonly Answered[]> {
  const all: Answered[] = [];
  for (const probe of probes) {
    throwIfInterrupted(sandbox.signal, `the probe ${probe.setting}`);
    const answered = { probe, answer: await answerOf(probe, sandbox) };
    all.push(answered);
    onAnswer(answered);
  }
  return all;
}

async function answerOf(probe: Probe, sandbox: Sandbox): Promise<ProbeAnswer> {
  try {
    return await probe.ask(sandbox);
  } catch (error) {
    if (!(error instanceof KeyturnError) || isCode(error, 'interrupted') || ENDS.has(error.code)) throw error;
    return notSettled(error.message);
  }
}

/** Faults after which no other probe could be asked either. */
const ENDS: ReadonlySet<string> = new Set([
  'aws-credentials-expired',
  'aws-credentials-missing',
  'aws-credentials-rejected',
  'aws-endpoint-unreachable',
  'aws-tls-untrusted',
  'endpoint-insecure',
]);
