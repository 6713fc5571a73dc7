import { z } from 'zod';
import { AccessTokenAnswer } from '../access-token/access-token.dto.js';
import { TICKET_TYPES } from './ticket-type.js';

export const TicketAnswer = AccessTokenAnswer.omit({ access_token: true })
  .extend({ type: z.enum(TICKET_TYPES), ticket: z.string() })
  .meta({ id: 'Ticket' });
export type TicketAnswer = z.infer<typeof TicketAnswer>;
