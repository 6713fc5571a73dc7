import type { TokenMode } from '../../config/app-config.js';

/** What the rest of the service knows of an account. The secret is asked for apart, when it is sent. */
export interface Account {
  readonly appId: string;
  readonly name: string | null;
  readonly mode: TokenMode;
  readonly enabled: boolean;
  readonly configVersion: number;
}

/** WeChat's AppIDs of official accounts and mini programs; `gh_…` is an original id, not an AppID. */
export const APP_ID_PATTERN = /^wx[0-9a-f]{16}$/;
