import { z } from 'zod';
import { cursorFields, pageFields, pageSchema } from '../../http/page.js';
import { REFRESH_OUTCOMES } from '../refresh-history/refresh-outcome.js';

export const RefreshesQuery = z.strictObject({
  ...pageFields,
  kind: z
    .string()
    .regex(/^[a-z_]{1,32}$/, 'is no kind of credential')
    .optional()
    .meta({ description: 'Only of this kind of credential, such as `access_token`.' }),
  outcome: z.enum(REFRESH_OUTCOMES).optional(),
  cause: z.enum(['schedule', 'report', 'admin', 'import']).optional(),
});

export const RefreshesCursor = z.strictObject(cursorFields);

export const RefreshItem = z.object({
  at: z.iso.datetime().meta({ description: 'When the claim was won, before WeChat was called.' }),
  kind: z.string().meta({ examples: ['access_token'] }),
  cause: z.string().meta({
    description: '`schedule`, `report` or `admin`; `import` for an imported value.',
  }),
  forced: z.boolean(),
  outcome: z.enum(REFRESH_OUTCOMES).meta({
    description:
      '`committed`: another value is stored. `unchanged`: WeChat returned the same one. `fenced_off`: another refresh came after it. `released`: WeChat was not called. `abandoned`: its process died. `started`: it is under way.',
  }),
  code: z.string().nullable().meta({ description: 'The error code of a failure.' }),
  errcode: z.int().nullable().meta({ description: "WeChat's, where it gave one." }),
  duration: z.number().nullable().meta({ description: 'Seconds; null while it is under way.' }),
  version: z.int().nullable().meta({ description: 'The one that is stored after it.' }),
  replica: z.string().meta({ description: 'The process that did it, as `host:pid`.' }),
  actor: z.string().nullable().meta({ description: '`service`, `admin` or the id of a client.' }),
  request_id: z.string().nullable(),
});
export type RefreshItem = z.infer<typeof RefreshItem>;

export const RefreshPage = pageSchema(RefreshItem).meta({ id: 'RefreshPage' });
