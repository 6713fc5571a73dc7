import { z } from 'zod';
import { AppIdSchema } from '../control/account.dto.js';
import { closedObject } from '../control/closed-object.js';
import { isControlPath } from '../control/control-path.js';

const MIB = 1_048_576;

/** Which calls a fault strikes, and when. */
const aim = {
  path: z
    .string()
    .startsWith('/', 'a path begins with "/" and has no query, such as /cgi-bin/token')
    .refine((path) => !path.includes('?'), 'a path has no query, such as /cgi-bin/token')
    .refine((path) => !isControlPath(path), 'no fault strikes the control interface'),
  /** Only the calls of this account: by its AppID, or by a token of its own. */
  app_id: AppIdSchema.optional(),
  /** How many calls it strikes before it is over. */
  times: z.union([z.int().positive(), z.literal('always')]).default(1),
  /** Real milliseconds, waited right before it strikes. */
  delay_ms: z.int().nonnegative().max(600_000).default(0),
};

/** Whether the call does its work first: a token is minted, a quota is spent. */
const afterEffect = { after_effect: z.boolean().default(false) };

export const FaultInputSchema = z.discriminatedUnion(
  'kind',
  [
    closedObject({
      kind: z.literal('errcode'),
      ...aim,
      ...afterEffect,
      errcode: z.int(),
      /** Sent as it is; without one, WeChat's own words and a rid. */
      errmsg: z.string().optional(),
    }),
    closedObject({
      kind: z.literal('status'),
      ...aim,
      ...afterEffect,
      status: z.int().min(200).max(599),
      body: z.string().default(''),
      content_type: z.string().min(1).default('text/html'),
    }),
    closedObject({
      kind: z.literal('html'),
      ...aim,
      ...afterEffect,
      body: z.string().default('<html><body><h1>Please sign in to this network</h1></body></html>'),
    }),
    closedObject({
      kind: z.literal('redirect'),
      ...aim,
      ...afterEffect,
      status: z.union([301, 302, 303, 307, 308].map((status) => z.literal(status))).default(302),
      /** The default is a path of this simulator: whoever follows it stands in the journal. */
      location: z.string().min(1).default('/redirected'),
    }),
    closedObject({
      kind: z.literal('delay'),
      ...aim,
      ...afterEffect,
      delay_ms: z.int().positive().max(600_000),
    }),
    closedObject({ kind: z.literal('hang'), ...aim, ...afterEffect }),
    closedObject({ kind: z.literal('reset_before'), ...aim }),
    closedObject({ kind: z.literal('reset_after'), ...aim }),
    closedObject({
      kind: z.literal('truncated'),
      ...aim,
      /** `whole`: the connection ends before all announced bytes came; `cut`: only the JSON is broken. */
      content_length: z.enum(['whole', 'cut']).default('whole'),
    }),
    closedObject({
      kind: z.literal('oversized'),
      ...aim,
      bytes: z
        .int()
        .positive()
        .max(64 * MIB)
        .default(MIB + 65_536),
    }),
    closedObject({
      kind: z.literal('expires_in'),
      ...aim,
      /** What stands in the answer; without one the field is missing. */
      value: z.union([z.number(), z.string(), z.boolean(), z.null()]).optional(),
    }),
  ],
  {
    error:
      'a fault is an object with a kind: errcode, status, html, redirect, delay, hang, reset_before, reset_after, truncated, oversized or expires_in',
  },
);

export type FaultInput = z.input<typeof FaultInputSchema>;
export type FaultSpec = z.output<typeof FaultInputSchema>;
export type FaultKind = FaultSpec['kind'];

/** A fault that waits for its calls. */
export type Fault = { id: number; struck: number } & FaultSpec;
