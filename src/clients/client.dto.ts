import { z } from 'zod';
import { APP_ID } from '../config/parsers.js';
import { NO_GATEWAY_RULES } from '../access/client-directory.js';
import { gatewayRuleProblem, MOST_RULE_CHARACTERS } from '../access/gateway-rule.js';
import { SCOPES } from '../access/scope.js';
import { TOKEN_HOLDER } from '../audit/read-counter.js';
import { NOT_VISIBLE, VISIBLE_LINE } from '../errors/unseen-text.js';
import { pageFields, pageSchema } from '../http/page.js';

/** Also what may be asked for in a database: MySQL would find `order` under `ORDER ` as well. */
export const CLIENT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** The client of CLIENT_API_KEY, and those who act or read beside clients. */
const RESERVED: ReadonlySet<string> = new Set(['default', 'admin', 'service', TOKEN_HOLDER.id]);

const IsoTime = z.iso.datetime();

/** For people to read, so nothing that is not seen; databases refuse some of it or store something else. */
const Name = z.string().max(100).regex(/\S/, 'must not be blank').regex(VISIBLE_LINE, NOT_VISIBLE);

const ClientId = z
  .string()
  .regex(CLIENT_ID, 'must be 1 to 64 of a-z, 0-9, _ and -, and begin with a letter or a digit')
  .meta({ examples: ['order-service'] });

/** By id, which is the order of the list. */
export const ClientCursor = ClientId;

const Scopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .meta({ description: 'What its keys may do.', examples: [['token:read', 'token:report']] });

const AppId = z.string().regex(APP_ID, 'must be an AppID');

const Accounts = z.union(
  [z.literal('all'), z.array(AppId).min(1).max(1_000)],
  'must be "all" or a list of AppIDs',
);

const AccountsField = Accounts.meta({
  description: '`all`, or AppIDs. An account need not exist yet.',
  examples: ['all', ['wx0123456789abcdef']],
});

const MOST_RULES = 200;

const GatewayRuleText = z
  .string()
  .max(MOST_RULE_CHARACTERS)
  .superRefine((text, context) => {
    const message = gatewayRuleProblem(text);
    if (message !== undefined) {
      context.addIssue({ code: 'custom', message });
    }
  });

const Gateway = z
  .strictObject({
    allow: z
      .array(GatewayRuleText)
      .max(MOST_RULES)
      .optional()
      .meta({
        description:
          'Rules: `METHOD /path`, with `*` for a method, for one segment, or as the last segment for the rest; or a preset of `GET /v1/admin/gateway/presets`. What no rule allows is refused.',
        examples: [['@drafts-and-media', 'POST /cgi-bin/menu/*']],
      }),
    per_minute: z
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .meta({ description: 'Calls a minute on each replica.' }),
  })
  .meta({
    description: `What its keys may call at WeChat with the scope \`gateway\`: nothing, and ${NO_GATEWAY_RULES.perMinute} times a minute, unless told.`,
  });

const Expiry = z.iso
  .datetime({ offset: true, error: 'must be a time, such as 2027-01-31T00:00:00Z' })
  .meta({ description: 'From then on it is refused. Null or absent: never.' });

export const NewClientBody = z
  .strictObject({
    id: ClientId.refine((id) => !RESERVED.has(id), 'is reserved')
      .optional()
      .meta({ description: 'Made at random when it is left out.' }),
    name: Name,
    scopes: Scopes,
    accounts: AccountsField.default('all'),
    gateway: Gateway.optional(),
    expires_at: Expiry.nullable().optional(),
  })
  .meta({ id: 'NewClient' });
export type NewClientBody = z.infer<typeof NewClientBody>;

export const ClientChangeBody = z
  .strictObject({
    name: Name.optional(),
    scopes: Scopes.optional(),
    accounts: AccountsField.optional(),
    gateway: Gateway.optional(),
    expires_at: Expiry.nullable().optional(),
  })
  .meta({ id: 'ClientChange' });
export type ClientChangeBody = z.infer<typeof ClientChangeBody>;

export const NewKeyBody = z
  .strictObject({
    name: Name.optional().meta({ description: 'Such as where it is used.' }),
    expires_at: Expiry.nullable().optional(),
  })
  .optional();
export type NewKeyBody = z.infer<typeof NewKeyBody>;

export const ClientKeyAnswer = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    created_at: IsoTime,
    last_used_at: IsoTime.nullable().meta({ description: 'Written down once a minute.' }),
    expires_at: IsoTime.nullable().meta({ description: "Of this key alone, beside the client's." }),
  })
  .meta({ id: 'ClientKey' });
export type ClientKeyAnswer = z.infer<typeof ClientKeyAnswer>;

const Key = z.string().meta({ description: 'Shown this once, and kept nowhere: write it down.' });

export const NewKeyAnswer = ClientKeyAnswer.extend({ key: Key }).meta({ id: 'NewClientKey' });
export type NewKeyAnswer = z.infer<typeof NewKeyAnswer>;

export const ClientAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    accounts: z.union([z.literal('all'), z.array(z.string())]),
    gateway: z.object({ allow: z.array(z.string()), per_minute: z.int() }),
    expires_at: IsoTime.nullable(),
    created_at: IsoTime,
    keys: z
      .array(ClientKeyAnswer)
      .meta({ description: 'Those that were not revoked, oldest first.' }),
  })
  .meta({ id: 'Client' });
export type ClientAnswer = z.infer<typeof ClientAnswer>;

export const NewClientAnswer = ClientAnswer.extend({ key: Key }).meta({ id: 'ClientWithKey' });
export type NewClientAnswer = z.infer<typeof NewClientAnswer>;

export const ClientPage = pageSchema(ClientAnswer).meta({ id: 'ClientPage' });

export const ClientPageQuery = z.strictObject(pageFields);
export type ClientPageQuery = z.infer<typeof ClientPageQuery>;
