/** Shapes of recorded data, each of which takes what is invalid for nothing. */
import { z } from 'zod';

export const text = z.string();
export const whole = z.number().catch(0);
export const maybe = z.string().optional().catch(undefined);

/** A list without its invalid items. */
export const listOf = <S extends z.ZodType>(item: S) =>
  z
    .array(z.unknown())
    .catch([])
    .transform((all) =>
      all.flatMap((one) => {
        const read = item.safeParse(one);
        return read.success ? [read.data] : [];
      }),
    );
