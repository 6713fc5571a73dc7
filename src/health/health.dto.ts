import { z } from 'zod';

export const Liveness = z.object({ status: z.literal('ok') }).meta({ id: 'Liveness' });

export const ReadinessAnswer = z
  .object({
    status: z.enum(['ready', 'unready']),
    reasons: z
      .array(z.string())
      .optional()
      .meta({ description: 'Why the process is unready, in words' }),
  })
  .meta({ id: 'Readiness' });
