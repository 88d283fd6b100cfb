import { setTimeout as delay } from 'node:timers/promises';
import type { KMSClient } from '@aws-sdk/client-kms';

import { KeyturnError, throwIfInterrupted } from '../errors';
import { describeKey, type KeyDescription } from './describe-key';

/**
 * Milliseconds between two reads of a key: the first ones are short, because KMS is usually consistent within a
 * second.
 */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 4_000;

export interface WaitOptions {
  /** Milliseconds; default 120,000. KMS documents "usually seconds, may be minutes". */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The awaited state, as the error names it: `Enabled`, `visible`. */
  readonly awaited?: string | undefined;
}

/**
 * Reads the key until the predicate is true: management calls of KMS are eventually consistent.
 *
 * @throws KeyturnError `kms-wait-timeout` with the last state seen, `interrupted`, or as {@link describeKey}
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
 */
export async function waitForKey(
  kms: KMSClient,
  keyArn: string,
  predicate: (key: KeyDescription) => boolean,
  { timeoutMs = 120_000, signal, awaited = 'ready' }: WaitOptions = {},
): Promise<KeyDescription> {
  const deadline = Date.now() + timeoutMs;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    throwIfInterrupted(signal, `waiting for ${keyArn}`);
    const key = await describeKey(kms, keyArn);
    if (key && predicate(key)) return key;
    if (Date.now() + pause > deadline) {
      const state = key?.state ?? 'not found';
      throw new KeyturnError('kms-wait-timeout', { keyArn, awaited, state, seconds: Math.round(timeoutMs / 1000) });
    }
    await pauseFor(pause, signal, `waiting for ${keyArn}`);
  }
}

/** Sleeps, and throws `interrupted` if the signal fires. */
export async function pauseFor(milliseconds: number, signal: AbortSignal | undefined, during: string): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    throw new KeyturnError('interrupted', { during }, error);
  }
}
