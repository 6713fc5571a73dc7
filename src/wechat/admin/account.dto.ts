import { z } from 'zod';
import { STATES } from '../credentials/credential-view.js';
import { appId, appSecret } from '../../config/parsers.js';
import { NOT_VISIBLE, VISIBLE_LINE } from '../../errors/unseen-text.js';
import { pageFields, pageSchema } from '../../http/page.js';

/** What WeChat says at most (docs/architecture.md). */
const LONGEST_LIFE_SECONDS = 86_400;

const Name = z
  .string()
  .min(1, 'must not be empty; leave it out, or send null')
  .max(100, 'must be 100 characters at most')
  .regex(VISIBLE_LINE, NOT_VISIBLE)
  .nullable()
  .meta({ description: 'For people. null: none.', examples: ['Shop, production'] });
const Mode = z.enum(['stable', 'legacy']).meta({
  description: 'The call that tokens come from: stable_token of WeChat, or token.',
});
const Secret = appSecret
  .max(128, 'must be 128 characters at most')
  .meta({ description: 'The AppSecret. No answer ever holds it.' });
const Enabled = z
  .boolean()
  .meta({ description: 'false: clients get 403, and WeChat is asked for nothing.' });

const MOST_HOSTS = 100;
/** Compared with the host of a page's URL as the URL standard writes it (../jssdk/jssdk-signature.ts). */
const JssdkHost = z
  .string()
  .max(255, { error: 'must be 255 characters at most', abort: true })
  .refine(
    isHostPattern,
    'must be a host name in lower case without scheme, port and path, such as shop.example.com, or *.example.com for all below it; other letters in Punycode (xn--…)',
  );
const JssdkHosts = z
  .array(JssdkHost)
  .max(MOST_HOSTS, `must be ${MOST_HOSTS} at most`)
  .meta({
    description:
      'The hosts whose pages are signed for the JS-SDK; `*.` before a name stands for all below it. Empty: any.',
    examples: [['shop.example.com', '*.mall.example.com']],
  });

export const NewAccountBody = z
  .strictObject({
    app_id: appId.meta({ examples: ['wx0123456789abcdef'] }),
    app_secret: Secret,
    name: Name.optional(),
    mode: Mode.default('stable'),
    enabled: Enabled.default(true),
    jssdk_hosts: JssdkHosts.default([]),
    access_token: z
      .string()
      .max(1_024, 'must be 1024 characters at most')
      .regex(/^[\x21-\x7e]+$/, 'must be the token as WeChat gave it, without blanks')
      .optional()
      .meta({
        description:
          'A live token that another server fetched. WeChat is asked first: one that it refuses is refused here; while it cannot be asked, the state is `suspect` until it can. Legacy: handed out until it is due. Stable: the AppSecret is tried at once, which ends no token.',
      }),
    expires_in: z
      .int({ abort: true })
      .min(1)
      .max(LONGEST_LIFE_SECONDS)
      .optional()
      .meta({ description: 'How many seconds that token still lives. Required with it.' }),
  })
  .superRefine((body, context) => {
    const [given, missing] =
      body.access_token === undefined
        ? (['expires_in', 'access_token'] as const)
        : (['access_token', 'expires_in'] as const);
    if (body[given] !== undefined && body[missing] === undefined) {
      context.addIssue({ code: 'custom', path: [missing], message: `required with ${given}` });
    }
  })
  .meta({ id: 'NewAccount' });
export type NewAccountBody = z.infer<typeof NewAccountBody>;

export const AccountChangeBody = z
  .strictObject({
    app_secret: Secret,
    name: Name,
    mode: Mode,
    enabled: Enabled,
    jssdk_hosts: JssdkHosts,
  })
  .partial()
  .meta({ id: 'AccountChange' });
export type AccountChangeBody = z.infer<typeof AccountChangeBody>;

const IsoTime = z.iso.datetime();
const State = z.enum(STATES);

const credentialFields = {
  state: State,
  version: z.int(),
  expires_at: IsoTime.nullable(),
  expires_in: z.int().nullable(),
  next_refresh_at: IsoTime.nullable(),
  last_attempt_at: IsoTime.nullable(),
  failures_in_a_row: z.int(),
  last_error: z
    .object({
      code: z.string(),
      errcode: z.int().nullable(),
      errmsg: z.string(),
      advice: z.string(),
      at: IsoTime,
    })
    .nullable(),
  upstream_calls_today: z.int(),
  ledger: z.object({ used: z.int(), limit: z.int() }),
  foreign_rotations: z.int(),
};

export const AccountStateAnswer = z
  .object({
    app_id: z.string(),
    name: z.string().nullable(),
    mode: z.enum(['stable', 'legacy']),
    enabled: z.boolean(),
    jssdk_hosts: z.array(z.string()).meta({ description: 'Empty: any.' }),
    access_token: z.object(credentialFields),
    tickets: z
      .array(
        z.object({
          kind: z.string().meta({ examples: ['jsapi_ticket'] }),
          ...credentialFields,
        }),
      )
      .meta({ description: 'The tickets that somebody asked for, with the same fields.' }),
  })
  .meta({ id: 'AccountState' });
export type AccountStateAnswer = z.infer<typeof AccountStateAnswer>;

export const AccountStates = pageSchema(AccountStateAnswer).meta({ id: 'AccountStates' });

export const AccountsQuery = z.strictObject({
  ...pageFields,
  mode: Mode.optional(),
  enabled: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  state: State.optional().meta({ description: 'Of the token or of a ticket, such as blocked.' }),
});
export type AccountsQuery = z.infer<typeof AccountsQuery>;

/** Where a page of accounts goes on: after this AppID. */
export const AccountPosition = z.strictObject({ after: appId });

function isHostPattern(text: string): boolean {
  const host = text.replace(/^\*\./, '');
  const url = `https://${host}`;
  return (
    /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(host) && URL.canParse(url) && new URL(url).hostname === host
  );
}
