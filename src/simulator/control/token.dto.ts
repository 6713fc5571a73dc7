import { z } from 'zod';
import type { Account } from '../wechat/account.js';
import { closedObject } from './closed-object.js';
import type { TicketType } from '../wechat/ticket-box.js';
import type { DeathErrcode, IssuedToken, TokenFamily } from '../wechat/token-ledger.js';

export const MintSchema = closedObject({
  family: z.enum(['legacy', 'stable']).default('legacy'),
});

export const KillSchema = closedObject({
  access_token: z.string().min(1),
  /** What a call with it gets from now on. */
  errcode: z.union([z.literal(40001), z.literal(40014), z.literal(42001)]).default(40001),
  /** Stable only: whether an unforced call goes on returning it, dead as it is. */
  still_handed_out: z.boolean().default(false),
});

export const TokensQuerySchema = closedObject({
  alive: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
});

export type MintInput = z.output<typeof MintSchema>;
export type KillInput = z.output<typeof KillSchema>;
export type TokensQuery = z.output<typeof TokensQuerySchema>;

export interface TokenView {
  access_token: string;
  /** How the journal names it. */
  tag: string;
  family: TokenFamily;
  number: number;
  foreign: boolean;
  /** The one that WeChat minted last; it may be dead. */
  newest: boolean;
  alive: boolean;
  /** What a call with it gets; 0 while it is alive. */
  errcode: DeathErrcode | 0;
  minted_at: string;
  expires_at: string;
  /** The same as `expires_at`, or the end of its overlap once it is superseded. */
  dies_at: string;
}

export interface TicketView {
  type: TicketType;
  ticket: string;
  expires_at: string;
}

export function tokenView(account: Account, token: IssuedToken): TokenView {
  const ledger = account.ledgers[token.family];
  const errcode = ledger.errcodeOf(token);
  return {
    access_token: token.text,
    tag: token.tag,
    family: token.family,
    number: token.number,
    foreign: token.foreign,
    newest: token === ledger.newest,
    alive: errcode === 0,
    errcode,
    minted_at: iso(token.mintedAtMs),
    expires_at: iso(token.expiresAtMs),
    dies_at: iso(token.diesAtMs),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
