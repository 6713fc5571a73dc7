import { z } from 'zod';
import { validationFailed } from '../../http/validation.errors.js';
import { REPORT_OUTCOMES } from './report-outcome.js';

const LONGEST_WAIT_SECONDS = 60;

const Wait = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,3})?$/, 'must be a number of seconds')
  .transform(Number)
  .pipe(z.number().max(LONGEST_WAIT_SECONDS, `must be at most ${LONGEST_WAIT_SECONDS} seconds`))
  .optional();

export const WaitQuery = z.object({ wait: Wait });

/**
 * `?wait=` of a read, in milliseconds. Parsed by hand: a pipe would cost every read more than its answer.
 * @throws AppError `validation_failed`
 */
export function readWaitMs(wait: unknown): number {
  if (wait === undefined) {
    return 5_000;
  }
  const parsed = WaitQuery.safeParse({ wait });
  if (!parsed.success) {
    throw validationFailed('query', parsed.error.issues);
  }
  return (parsed.data.wait ?? 0) * 1_000;
}

/** What clients put into a report comes from SDKs and other people's JSON: a number may be text, and null is nothing. */
function numberOrText(number: z.ZodType<number, number>): z.ZodType<number, number | string> {
  const text = z
    .string()
    .trim()
    .regex(/^-?\d{1,15}$/)
    .transform(Number)
    .pipe(number);
  return z.union([number, text], 'must be a whole number');
}

function orNothing<Output, Input>(
  schema: z.ZodType<Output, Input>,
): z.ZodType<Output | undefined, Input | null | undefined> {
  return schema.nullish().transform((value) => value ?? undefined);
}

export const ReportBody = z
  .strictObject({
    access_token: orNothing(z.string().trim().min(1).max(1_024)).meta({
      description: 'The token that WeChat refused.',
    }),
    version: orNothing(numberOrText(z.int().positive())).meta({
      description: 'In place of the token: the version that it was handed out with.',
    }),
    errcode: orNothing(numberOrText(z.int())).meta({
      description: "WeChat's errcode.",
      examples: [40001],
    }),
  })
  .refine((body) => (body.access_token === undefined) !== (body.version === undefined), {
    message: 'give either access_token or version',
  });

const IsoTime = z.iso.datetime();

export const AccessTokenAnswer = z
  .object({
    app_id: z.string().meta({ examples: ['wx0123456789abcdef'] }),
    access_token: z.string(),
    expires_in: z.int().positive().meta({ description: 'Whole seconds that truly remain.' }),
    expires_at: IsoTime,
    version: z.int().positive().meta({ description: 'Grows with every rotation, not by one.' }),
    cache_for: z
      .int()
      .nonnegative()
      .max(60)
      .meta({ description: 'Seconds for which a client may keep it without asking again.' }),
  })
  .meta({ id: 'AccessToken' });
export type AccessTokenAnswer = z.infer<typeof AccessTokenAnswer>;

export const ReportAnswerBody = AccessTokenAnswer.extend({
  outcome: z.enum(REPORT_OUTCOMES),
}).meta({ id: 'ReportAnswer' });
