import type { TokenMode } from '../../config/app-config.js';

/** What the rest of the service knows of an account. The secret is asked for apart, when it is sent. */
export interface Account {
  readonly appId: string;
  readonly name: string | null;
  readonly mode: TokenMode;
  readonly enabled: boolean;
  readonly configVersion: number;
  /** The hosts whose pages are signed for the JS-SDK, `*.` standing for all below one; empty: any. */
  readonly jssdkHosts: readonly string[];
  /**
   * Where the fences of its credentials start. Another one than before means that the account was removed
   * and added again: nothing of the earlier one counts.
   */
  readonly fenceBase: number;
}
