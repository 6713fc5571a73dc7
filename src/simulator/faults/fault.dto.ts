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

/** It strikes as soon as the headers are there: the body is not read. */
const beforeBody = { before_body: z.boolean().default(false) };

const moment = {
  ...beforeBody,
  /** Whether the call does its work first: a token is minted, a quota is spent. */
  after_effect: z.boolean().default(false),
};

const bytes = z
  .int()
  .nonnegative()
  .max(16 * 1_024 * MIB);
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'not a valid header value');
const headers = z
  .record(z.string(), z.union([headerValue, z.array(headerValue)]))
  .superRefine((given, context) => {
    for (const name of Object.keys(given)) {
      const message = headerProblem(name);
      if (message !== undefined) {
        context.addIssue({ code: 'custom', path: [name], message });
      }
    }
  });

export const FaultInputSchema = z
  .discriminatedUnion(
    'kind',
    [
      closedObject({
        kind: z.literal('errcode'),
        ...aim,
        ...moment,
        errcode: z.int(),
        /** Sent as it is; without one, WeChat's own words and a rid. */
        errmsg: z.string().optional(),
      }),
      closedObject({
        kind: z.literal('status'),
        ...aim,
        ...moment,
        status: z.int().min(200).max(599),
        body: z.string().default(''),
        content_type: z.string().min(1).default('text/html'),
      }),
      closedObject({
        kind: z.literal('html'),
        ...aim,
        ...moment,
        body: z
          .string()
          .default('<html><body><h1>Please sign in to this network</h1></body></html>'),
      }),
      closedObject({
        kind: z.literal('answer'),
        ...aim,
        ...moment,
        status: z.int().min(200).max(599).default(200),
        /** Beside Content-Length and, unless it is among them, WeChat's own Content-Type. */
        headers: headers.default({}),
        /** The body is one of these three, or empty. */
        body: z.string().optional(),
        body_base64: z.base64().optional(),
        /** So many times the byte `x`, made while they are sent. */
        filler_bytes: bytes.optional(),
        /** What Content-Length says, if it is not the length of the body; `none`: no Content-Length, a chunked answer. */
        announced_bytes: z.union([bytes, z.literal('none')]).optional(),
        /** Within the body: so many bytes, then so many real milliseconds without any. */
        pause_after_bytes: bytes.default(0),
        pause_ms: z.int().nonnegative().max(600_000).default(0),
        /** The connection is broken after so many bytes of the body; with 0, after the headers. */
        cut_after_bytes: bytes.optional(),
      }).refine(
        ({ body, body_base64: base64, filler_bytes: filler }) =>
          [body, base64, filler].filter((given) => given !== undefined).length <= 1,
        'a body is one of body, body_base64 and filler_bytes',
      ),
      closedObject({
        kind: z.literal('redirect'),
        ...aim,
        ...moment,
        status: z.union([301, 302, 303, 307, 308].map((status) => z.literal(status))).default(302),
        /** The default is a path of this simulator: whoever follows it stands in the journal. */
        location: z.string().min(1).default('/redirected'),
      }),
      closedObject({
        kind: z.literal('delay'),
        ...aim,
        ...moment,
        delay_ms: z.int().positive().max(600_000),
      }),
      closedObject({ kind: z.literal('hang'), ...aim, ...moment }),
      closedObject({ kind: z.literal('reset_before'), ...aim, ...beforeBody }),
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
        'a fault is an object with a kind: errcode, status, html, answer, redirect, delay, hang, reset_before, reset_after, truncated, oversized or expires_in',
    },
  )
  .refine(
    (fault) => !('after_effect' in fault && fault.before_body && fault.after_effect),
    'before_body and after_effect exclude each other',
  );

export type FaultInput = z.input<typeof FaultInputSchema>;
export type FaultSpec = z.output<typeof FaultInputSchema>;
export type FaultKind = FaultSpec['kind'];

/** A fault that waits for its calls. */
export type Fault = { id: number; struck: number } & FaultSpec;

function headerProblem(name: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    return 'not a valid header name';
  }
  return name.toLowerCase() === 'content-length' ? 'is set by announced_bytes' : undefined;
}

/** These spoil an answer that must exist first; the others do as they are told. */
export function strikesAfterTheEffect(fault: FaultSpec): boolean {
  switch (fault.kind) {
    case 'reset_after':
    case 'truncated':
    case 'oversized':
    case 'expires_in':
      return true;
    case 'reset_before':
      return false;
    case 'errcode':
    case 'status':
    case 'html':
    case 'answer':
    case 'redirect':
    case 'delay':
    case 'hang':
      return fault.after_effect;
  }
}
