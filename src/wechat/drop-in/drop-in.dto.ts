import type { SchemaObject } from '@nestjs/swagger';
import { z } from 'zod';

export const DropInTokenAnswer = z
  .object({
    access_token: z.string(),
    expires_in: z.int().positive().meta({
      description:
        'Seconds for which an SDK may keep it: what truly remains, and of a legacy token no more than until its replacement has superseded it.',
    }),
  })
  .meta({ id: 'DropInToken' });

export const DropInIpAnswer = z
  .object({ ip_list: z.array(z.string()).meta({ examples: [['101.226.103.0/25']] }) })
  .meta({ id: 'DropInIpList' });

export const DropInTicketAnswer = z
  .object({
    errcode: z.literal(0),
    errmsg: z.literal('ok'),
    ticket: z.string(),
    expires_in: z.int().positive().meta({ description: 'Seconds that truly remain.' }),
  })
  .meta({ id: 'DropInTicket' });

export const DropInProblem = z
  .object({
    errcode: z.int().meta({ description: "One of WeChat's.", examples: [40125] }),
    errmsg: z.string(),
  })
  .meta({ id: 'DropInProblem' });

/** Read by hand (drop-in.grant.ts), since what is wrong with it has errcodes of its own. */
export const STABLE_TOKEN_BODY: SchemaObject = {
  type: 'object',
  required: ['grant_type', 'appid', 'secret'],
  properties: {
    grant_type: { type: 'string', enum: ['client_credential'] },
    appid: { type: 'string' },
    secret: { type: 'string', description: 'A client key of this service with `token:read`.' },
    force_refresh: {
      type: 'boolean',
      description:
        'With `token:report`: the current token is tried, and replaced if it is dead. 1, 0, null, "true" and "false" are understood too.',
    },
  },
};
