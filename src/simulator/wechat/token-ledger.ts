import { newTokenText, tagOf } from './credential-text.js';
import type { SimulatedClock } from '../simulated-clock.js';

export type TokenFamily = 'legacy' | 'stable';

/** The errcodes by which WeChat tells that a token is dead. */
export type DeathErrcode = 40001 | 40014 | 42001;

export interface IssuedToken {
  readonly text: string;
  readonly tag: string;
  readonly family: TokenFamily;
  /** 1 for an account's first token of the family, one more for each later one. */
  readonly number: number;
  /** Minted over the control interface, as if another party had called WeChat. */
  readonly foreign: boolean;
  readonly mintedAtMs: number;
  /** The end of the lifetime that its holder was told. */
  readonly expiresAtMs: number;
  /** The same, or the end of the overlap once a newer token superseded it. */
  diesAtMs: number;
  killed: { readonly errcode: DeathErrcode; readonly stillHandedOut: boolean } | null;
}

export interface MintRules {
  lifetimeMs: number;
  /** How long a superseded token lives on, its own expiry permitting. */
  overlapMs: number;
  /** How many superseded tokens may live on at once; older ones die with the mint. */
  overlapDepth: number;
  foreign: boolean;
}

/** Dead tokens are kept, so that a late caller learns why; older ones are as good as unknown. */
const KEPT_TOKENS = 1_000;

/**
 * One account's tokens of one family. The families do not know of each other.
 *
 * A token is alive until it expires, is superseded and outlives the overlap, is pushed out of the
 * overlap by a further mint, or is killed. The newest is never superseded.
 */
export class TokenLedger {
  private readonly tokens = new Map<string, IssuedToken>();
  private minted = 0;
  private newestToken: IssuedToken | undefined;

  constructor(
    private readonly family: TokenFamily,
    private readonly clock: SimulatedClock,
  ) {}

  get newest(): IssuedToken | undefined {
    return this.newestToken;
  }

  mint(rules: MintRules): IssuedToken {
    const nowMs = this.clock.nowMs();
    this.supersedeAll(nowMs, rules);
    const text = newTokenText();
    const expiresAtMs = nowMs + rules.lifetimeMs;
    const token: IssuedToken = {
      text,
      tag: tagOf(text),
      family: this.family,
      number: (this.minted += 1),
      foreign: rules.foreign,
      mintedAtMs: nowMs,
      expiresAtMs,
      diesAtMs: expiresAtMs,
      killed: null,
    };
    this.tokens.set(text, token);
    this.newestToken = token;
    this.forgetOldest();
    return token;
  }

  find(text: string): IssuedToken | undefined {
    return this.tokens.get(text);
  }

  /** Oldest first. */
  all(): IssuedToken[] {
    return [...this.tokens.values()];
  }

  /** The errcode that a call with this token gets; 0 while it is alive. */
  errcodeOf(token: IssuedToken): DeathErrcode | 0 {
    if (token.killed !== null) {
      return token.killed.errcode;
    }
    const nowMs = this.clock.nowMs();
    if (nowMs < token.diesAtMs) {
      return 0;
    }
    return token.diesAtMs === token.expiresAtMs ? 42001 : 40001;
  }

  private supersedeAll(nowMs: number, rules: MintRules): void {
    const newestFirst = this.all().reverse();
    for (const [depth, token] of newestFirst.entries()) {
      const overlapMs = depth < rules.overlapDepth ? rules.overlapMs : 0;
      // Never later than before: a token that is in its overlap gets no second one.
      token.diesAtMs = Math.min(token.diesAtMs, nowMs + overlapMs);
    }
  }

  private forgetOldest(): void {
    for (const text of this.tokens.keys()) {
      if (this.tokens.size <= KEPT_TOKENS) {
        return;
      }
      this.tokens.delete(text);
    }
  }
}
