import { z } from 'zod';
import { NOT_VISIBLE, VISIBLE_LINE } from '../../errors/unseen-text.js';
import { AccessTokenAnswer } from '../access-token/access-token.dto.js';

export const RefreshBody = z
  .strictObject({
    force: z.boolean().default(false).meta({
      description: 'Stable mode: a new token although the old one is good; 20 a day, 30 s apart.',
    }),
    reason: z
      .string()
      .max(200)
      .regex(VISIBLE_LINE, NOT_VISIBLE)
      .optional()
      .meta({ description: 'For the log.' }),
  })
  .optional();

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
