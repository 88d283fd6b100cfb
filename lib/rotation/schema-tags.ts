/** Tags, as AWS limits them. */
import { z } from 'zod';
import { field, LIMITS, TAG_KEY_MESSAGES } from './field-messages';

const TAG_TEXT = '[\\p{L}\\p{Z}\\p{N}_.:/=+@-]';

/** A map from tag keys to tag values; no key of AWS or of Keyturn. */
export const tagMap = z.record(
  field(
    z
      .string()
      .regex(new RegExp(`^(?![Aa][Ww][Ss]:|[Kk][Ee][Yy][Tt][Uu][Rr][Nn]:)${TAG_TEXT}{1,${LIMITS.tagKeyLength}}$`, 'u')),
    'Key of a tag.',
    TAG_KEY_MESSAGES.allowed,
    TAG_KEY_MESSAGES.change,
  ),
  field(
    z.string().regex(new RegExp(`^${TAG_TEXT}{0,${LIMITS.tagValueLength}}$`, 'u')),
    'Value of a tag.',
    `up to ${LIMITS.tagValueLength} letters, digits, spaces and _.:/=+-@`,
    'correct it, in quotes if it is a number, true or false',
  ),
);
