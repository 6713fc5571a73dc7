import { z } from 'zod';
import { validationFailed } from '../../errors/validation.errors.js';

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

export const ReportBody = z
  .strictObject({
    access_token: z.string().min(1).max(1_024).optional().meta({
      description: 'The token that WeChat refused.',
    }),
    version: z.int().positive().optional().meta({
      description: 'In place of the token: the version that it was handed out with.',
    }),
    errcode: z
      .int()
      .optional()
      .meta({ description: "WeChat's errcode.", examples: [40001] }),
  })
  .refine((body) => (body.access_token === undefined) !== (body.version === undefined), {
    message: 'give either access_token or version',
  });

export const RefreshBody = z
  .strictObject({
    force: z.boolean().default(false).meta({
      description: 'Stable mode: a new token although the old one is good; 20 a day, 30 s apart.',
    }),
    reason: z.string().max(200).optional().meta({ description: 'For the log.' }),
  })
  .optional();

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
  outcome: z.enum(['superseded', 'still_valid', 'refreshed', 'unverified']),
}).meta({ id: 'ReportAnswer' });

export const RefreshAnswer = AccessTokenAnswer.pick({
  app_id: true,
  version: true,
  expires_in: true,
  expires_at: true,
})
  .extend({
    rotated: z
      .boolean()
      .meta({ description: 'Whether the version grew since the request came in.' }),
  })
  .meta({ id: 'RefreshAnswer' });
