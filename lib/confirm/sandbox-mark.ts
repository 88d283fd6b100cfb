import { randomBytes } from 'node:crypto';

/** Tag of everything that a run makes; its value is the mark of the run. */
export const MARK_TAG = 'keyturn:confirm';

/** Twelve random hex digits: they tell what one run made from everything else. */
export const newMark = (): string => randomBytes(6).toString('hex');

const MARK = /^[0-9a-f]{12}$/;
export const isMark = (value: string | undefined): value is string => value !== undefined && MARK.test(value);

/** What the bucket names of every run in an account start with. */
export const bucketPrefix = (account: string): string => `keyturn-confirm-${account}-`;

/** The description of a key, which only CreateKey and UpdateKeyDescription set. */
export const keyDescription = (mark: string, what: string): string => `Keyturn confirm ${mark}: ${what}`;
