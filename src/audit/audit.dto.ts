import { z } from 'zod';
import { cursorFields, pageFields, pageSchema } from '../http/page.js';
import { auditActions, auditOutcomePattern } from './audit-action.js';

/** Texts of filters go into statements: bounded to what ids may hold. */
const AppId = z.string().regex(/^[a-z0-9]{1,32}$/, 'is not an AppID');
const ClientId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'is not the id of a client');
const Time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-11-22T15:04:05Z' })
  .transform((time) => Date.parse(time));

const timeFields = {
  since: Time.optional().meta({ description: 'From this time on, in ISO 8601.' }),
  until: Time.optional().meta({ description: 'Up to before this time, in ISO 8601.' }),
};

/** Read at the first request, when every feature has declared its own. */
const Action = z.lazy(() => z.enum(auditActions()));
const Outcome = z.lazy(() => z.string().regex(auditOutcomePattern(), 'unknown outcome'));

export const AuditQueryFields = z.strictObject({
  ...pageFields,
  ...timeFields,
  app_id: AppId.optional().meta({ description: 'Only of this account.' }),
  actor: ClientId.optional().meta({
    description: 'Only what `admin`, `service` or the client with this id did.',
  }),
  action: Action.optional(),
  outcome: Outcome.optional().meta({
    description:
      'Only what ended so, such as `failed:wechat_error`; a word alone, such as `failed`, matches every code.',
  }),
});

export const AuditCursor = z.strictObject({
  ...cursorFields,
  source: z.string().regex(/^[a-z_]{1,32}$/),
});

export const AuditItem = z.object({
  id: z.string(),
  at: z.iso.datetime().meta({
    description: 'When it began; of reports, the start of the minute in which they are counted.',
  }),
  actor: z.string().meta({ description: '`admin`, the id of a client, or `service` itself.' }),
  action: z.string().meta({ description: 'As `?action=` takes it.' }),
  app_id: z.string().nullable(),
  target: z.string().nullable().meta({
    description: 'The client, or client/key, that was changed; the kind of credential.',
  }),
  outcome: z.string().meta({
    description:
      'Of an action `ok`, `refused:<code>`, `failed:<code>`, or `started` where its end is not known.',
  }),
  count: z.int().positive().meta({ description: 'Above 1 for reports alone.' }),
  source: z.string().nullable().meta({ description: 'The address that asked for it.' }),
  request_id: z.string().nullable(),
  version_before: z.int().nullable(),
  version_after: z.int().nullable(),
  replica: z.string().meta({ description: 'The process that did it, as `host:pid`.' }),
  reason: z.string().nullable(),
});
export type AuditItem = z.infer<typeof AuditItem>;

export const AuditPage = pageSchema(AuditItem).meta({ id: 'AuditPage' });

export const ReadsQueryFields = z.strictObject({
  ...pageFields,
  ...timeFields,
  app_id: AppId.optional().meta({ description: 'Only of this account.' }),
  client: ClientId.optional().meta({ description: 'Only by the client with this id.' }),
});

export const ReadsCursor = z.strictObject({
  atMs: cursorFields.atMs,
  client: ClientId,
  appId: AppId,
  kind: z.string().regex(/^[a-z_]{1,32}$/),
});

export const ReadsItem = z.object({
  at: z.iso.datetime().meta({ description: 'The start of the minute.' }),
  client: z.string().meta({
    description: '`token-holder`: whoever asked getticket with an access_token.',
  }),
  app_id: z.string(),
  kind: z.string().meta({ examples: ['access_token'] }),
  reads: z.int().positive(),
});
export type ReadsItem = z.infer<typeof ReadsItem>;

export const ReadsPage = pageSchema(ReadsItem).meta({ id: 'ReadsPage' });
