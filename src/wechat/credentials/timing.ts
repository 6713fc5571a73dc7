/** How long the steps of one refresh may take. All follow from WECHAT_TIMEOUT_MS. */
export interface RefreshTiming {
  /** The call to WeChat, fail-over included. */
  readonly callMs: number;
  /** From the answer to the commit. */
  readonly commitMs: number;
  readonly marginMs: number;
  readonly leaseMs: number;
}

/** What the old token may be used for after a process died: its lease, then somebody else's refresh. */
const LONGEST_HANDOVER_MS = 240_000;
const POLL_MS = 2_000;
const QUICK_COMMIT_MS = 3_000;
const CLIENT_CACHE_MS = 60_000;

/** @throws Error when the figures would let a dead token be served; then the configuration is wrong */
export function refreshTiming(wechatTimeoutMs: number): RefreshTiming {
  const callMs = 2 * wechatTimeoutMs;
  const timing = {
    callMs,
    commitMs: 1.5 * callMs,
    marginMs: 0.5 * callMs,
    leaseMs: 4.5 * callMs,
  };
  const handoverMs =
    timing.leaseMs + POLL_MS + callMs + QUICK_COMMIT_MS + POLL_MS + CLIENT_CACHE_MS;
  if (neededMs(timing) > timing.leaseMs || handoverMs > LONGEST_HANDOVER_MS) {
    throw new Error(
      `WECHAT_TIMEOUT_MS: ${wechatTimeoutMs} ms leaves no time to take over from a process that died; choose less`,
    );
  }
  return timing;
}

/** What must be left of the lease before WeChat is called. */
export function neededMs({ callMs, commitMs, marginMs }: RefreshTiming): number {
  return callMs + commitMs + marginMs;
}
