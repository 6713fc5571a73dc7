import { z } from 'zod';
import type { ErrorCode } from '../errors/app-error.js';
import { ERROR_STATUS } from './error-status.js';

/** The body of every error answer (RFC 9457). */
export const Problem = z
  .object({
    type: z
      .string()
      .meta({ description: 'Identifies the code', example: '/docs#token_unavailable' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened, and what to do next' }),
    code: z.enum(Object.keys(ERROR_STATUS) as ErrorCode[]),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'With validation_failed: each field that is wrong' }),
    upstream: z
      .object({ errcode: z.int().nullable(), errmsg: z.string(), advice: z.string() })
      .optional()
      .meta({ description: 'What WeChat said, and what an operator should do about it' }),
    sent: z
      .boolean()
      .optional()
      .meta({ description: 'Of a gateway call that failed: whether WeChat may have acted' }),
    error_id: z.string().optional().meta({ description: 'From 500 on; the log has the same' }),
  })
  .meta({ id: 'Problem' });

export type ProblemBody = z.infer<typeof Problem>;
