import type {
  AccountInput,
  AccountKind,
  AccountPatch,
  AccountView,
} from '../control/account.dto.js';
import { DraftBox } from '../business/draft-box.js';
import { ForceLimit } from './force-limit.js';
import { MediaBox } from '../business/media-box.js';
import { QuotaMeter } from './quota-meter.js';
import { mergeQuotas } from '../control/settings.dto.js';
import type { Quotas } from '../control/settings.dto.js';
import type { SimulatedClock } from '../simulated-clock.js';
import { TicketBox } from './ticket-box.js';
import { TokenLedger } from './token-ledger.js';
import type { IssuedToken, TokenFamily } from './token-ledger.js';
import { UserBook } from '../login/user-book.js';

/** One account as WeChat knows it: what its console sets, and what it was given so far. */
export class Account {
  readonly appId: string;
  readonly ledgers: Readonly<Record<TokenFamily, TokenLedger>>;
  readonly tickets: TicketBox;
  readonly quotaMeter: QuotaMeter;
  readonly forceLimit: ForceLimit;
  readonly users: UserBook;
  readonly drafts: DraftBox;
  readonly media = new MediaBox();
  secret: string;
  kind: AccountKind = 'official_account';
  frozen = false;
  lifetimeSeconds: number | null = null;
  ipAllowList: string[] = [];
  quotas: Quotas = {};

  constructor(input: AccountInput, clock: SimulatedClock) {
    this.appId = input.app_id;
    this.secret = input.secret;
    this.ledgers = {
      legacy: new TokenLedger('legacy', clock),
      stable: new TokenLedger('stable', clock),
    };
    this.tickets = new TicketBox(clock);
    this.quotaMeter = new QuotaMeter(clock);
    this.forceLimit = new ForceLimit(clock);
    this.users = new UserBook(input.app_id, clock);
    this.drafts = new DraftBox(clock);
    this.alter(input);
  }

  /** Tokens survive it, a change of the secret included. */
  alter(patch: AccountPatch): void {
    this.secret = patch.secret ?? this.secret;
    this.kind = patch.kind ?? this.kind;
    this.frozen = patch.frozen ?? this.frozen;
    this.ipAllowList = patch.ip_allow_list ?? this.ipAllowList;
    this.quotas = mergeQuotas(this.quotas, patch.quotas ?? {});
    if (patch.lifetime_seconds !== undefined) {
      this.lifetimeSeconds = patch.lifetime_seconds;
    }
  }

  findToken(text: string): IssuedToken | undefined {
    return this.ledgers.legacy.find(text) ?? this.ledgers.stable.find(text);
  }

  view(): AccountView {
    return {
      app_id: this.appId,
      kind: this.kind,
      frozen: this.frozen,
      lifetime_seconds: this.lifetimeSeconds,
      ip_allow_list: this.ipAllowList,
      quotas: this.quotas,
      quota_used: this.quotaMeter.used(),
      force_used: this.forceLimit.used,
    };
  }
}
