import { createHash, randomBytes } from 'node:crypto';
import { newTokenText } from '../wechat/credential-text.js';
import type { SimulatedClock } from '../simulated-clock.js';

/** A code that WeChat never gave out. */
const INVALID_CODE = 'invalid-code';
const TOKEN_LIFETIME_MS = 7_200_000;
const KEPT = 10_000;

export interface User {
  readonly openid: string;
  readonly unionid: string;
}

export interface UserToken {
  readonly user: User;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAtMs: number;
}

/**
 * The users of one account, as they come with a code: each code is a user of its own, and good once. A user's own
 * token has nothing to do with the account's access_token.
 */
export class UserBook {
  private readonly usedCodes = new Set<string>();
  private readonly tokens = new Map<string, UserToken>();

  constructor(
    private readonly appId: string,
    private readonly clock: SimulatedClock,
  ) {}

  /** The user, or the errcode of a code that is none, or was used. */
  redeem(code: string): User | 40029 | 40163 {
    if (code === INVALID_CODE) {
      return 40029;
    }
    if (this.usedCodes.has(code)) {
      return 40163;
    }
    this.usedCodes.add(code);
    forgetOldest(this.usedCodes);
    return { openid: `o${this.digest(code, 27)}`, unionid: `o${this.digest(`u${code}`, 27)}` };
  }

  /** 16 bytes in base64, as WeChat's are. */
  newSessionKey(): string {
    return randomBytes(16).toString('base64');
  }

  issue(user: User, refreshToken = newTokenText()): UserToken {
    const token: UserToken = {
      user,
      accessToken: newTokenText(),
      refreshToken,
      expiresAtMs: this.clock.nowMs() + TOKEN_LIFETIME_MS,
    };
    this.tokens.set(token.accessToken, token);
    forgetOldest(this.tokens);
    return token;
  }

  find(accessToken: string): UserToken | undefined {
    return this.tokens.get(accessToken);
  }

  findByRefreshToken(refreshToken: string): UserToken | undefined {
    return [...this.tokens.values()].find((token) => token.refreshToken === refreshToken);
  }

  isExpired(token: UserToken): boolean {
    return this.clock.nowMs() >= token.expiresAtMs;
  }

  private digest(text: string, length: number): string {
    const hash = createHash('sha256').update(`${this.appId} ${text}`).digest('base64url');
    return hash.slice(0, length);
  }
}

function forgetOldest(kept: Set<string> | Map<string, UserToken>): void {
  for (const key of kept.keys()) {
    if (kept.size <= KEPT) {
      return;
    }
    kept.delete(key);
  }
}
