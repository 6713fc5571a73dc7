import { createHash } from 'node:crypto';

/**
 * When a credential is refreshed, and for how long it may be served. Pure arithmetic on milliseconds;
 * the numbers and their reasons stand in docs/architecture.md.
 */
export interface CredentialPolicy {
  readonly name: string;
  /**
   * A fetch ends the life of the value before it. Then a fetch of unknown outcome makes the value
   * suspect: somebody may have replaced it with one that we never saw.
   */
  readonly fetchEndsOlderValue: boolean;
  /** No two fetches for one credential within this time. */
  readonly floorMs: number;
  readonly ledger: LedgerPolicy;
  /** Forced refreshes, where the kind has them. */
  readonly forced?: { readonly perDay: number; readonly apartMs: number };
  /** Values that live shorter than this shrink every duration that stands against the lifetime. */
  readonly fullLifetimeMs: number;
  /** When to refresh. `jitter` is in [0, 1), `scale` in (0, 1]. */
  dueAtMs(life: FetchedLife, jitter: number, scale: number): number;
}

export interface LedgerPolicy {
  readonly capacity: number;
  readonly perDay: number;
}

export interface Life {
  readonly obtainedAtMs: number;
  readonly expiresAtMs: number;
  /** From fetch to expiry; where an answer tells only what remains, the longest that was seen. */
  readonly lifetimeMs: number;
}

/** A life as it stands after a fetch, which may have returned the value again that was there. */
export interface FetchedLife extends Life {
  readonly fetchedAtMs: number;
}

/** The lifetime at which every duration of the policy has its stated length. */
const REFERENCE_LIFETIME_MS = 1_200_000;

/** Old and new value both work for 300 s; 30 s are kept back. */
const OVERLAP_SERVED_MS = 270_000;
const SAME_VALUE_PAUSE_MS = 15_000;
const CLIENT_CACHE_MS = 60_000;
export const MINIMUM_LEFT_MS = 1_000;
const LONGEST_LIFETIME_SECONDS = 86_400;
/** What a value may consist of: it travels in URLs and headers. WeChat's own are [A-Za-z0-9_-], 512 at most so far. */
const VALUE = /^[\x21-\x7e]{1,8192}$/;

/** 1, or less where WeChat (or a test) hands out short lives; 1 before the first value. */
export function scaleOf(policy: CredentialPolicy, lifetimeMs: number): number {
  return lifetimeMs > 0 && lifetimeMs < policy.fullLifetimeMs
    ? lifetimeMs / REFERENCE_LIFETIME_MS
    : 1;
}

/** In [0, 1), the same on every replica. */
export function jitterOf(appId: string, version: number): number {
  const digest = createHash('sha256').update(`${appId}:${version}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}

/** When the next refresh is wanted after a fetch that is committed at `nowMs`. */
export function nextDueAtMs(
  policy: CredentialPolicy,
  value: Life & { readonly appId: string; readonly version: number },
  nowMs: number,
): number {
  const scale = scaleOf(policy, value.lifetimeMs);
  const life = { ...value, fetchedAtMs: nowMs };
  const dueAtMs = policy.dueAtMs(life, jitterOf(value.appId, value.version), scale);
  return Math.max(Math.round(dueAtMs), nowMs + Math.ceil(SAME_VALUE_PAUSE_MS * scale));
}

/**
 * When an imported value is first refreshed. What remains of it stands for its whole life: a
 * third of that is left as a margin where a third of the lifetime is.
 */
export function importedDueAtMs(
  policy: CredentialPolicy,
  imported: {
    readonly appId: string;
    readonly version: number;
    readonly obtainedAtMs: number;
    readonly remainingMs: number;
  },
): number {
  const { appId, version, obtainedAtMs, remainingMs } = imported;
  const life = {
    obtainedAtMs,
    expiresAtMs: obtainedAtMs + remainingMs,
    fetchedAtMs: obtainedAtMs,
    lifetimeMs: remainingMs,
  };
  return Math.max(obtainedAtMs, Math.round(policy.dueAtMs(life, jitterOf(appId, version), 1)));
}

/** For how long an older value may be trusted once somebody else may have fetched. */
export function overlapServedMs(policy: CredentialPolicy, lifetimeMs: number): number {
  return OVERLAP_SERVED_MS * scaleOf(policy, lifetimeMs);
}

export function floorMs(policy: CredentialPolicy, lifetimeMs: number): number {
  return Math.ceil(policy.floorMs * scaleOf(policy, lifetimeMs));
}

/** How long a client may keep an answer without asking again, at most. */
export function clientCacheSeconds(policy: CredentialPolicy, lifetimeMs: number): number {
  return Math.floor((CLIENT_CACHE_MS * scaleOf(policy, lifetimeMs)) / 1_000);
}

/** A value with under a second left counts as expired: it would die on its way to the client. */
export function isServable(expiresAtMs: number, nowMs: number): boolean {
  return expiresAtMs - nowMs >= MINIMUM_LEFT_MS;
}

/** @returns undefined when the value or WeChat's `expires_in` cannot be one */
export function usableLifetimeMs(fetched: {
  readonly value: string;
  readonly expiresIn: unknown;
}): number | undefined {
  return VALUE.test(fetched.value) ? lifetimeMsOf(fetched.expiresIn) : undefined;
}

/** @param expiresIn in seconds; as text too @returns undefined when WeChat's `expires_in` cannot be one */
export function lifetimeMsOf(expiresIn: unknown): number | undefined {
  if (typeof expiresIn === 'string' && /^\d{1,6}$/.test(expiresIn)) {
    return lifetimeMsOf(Number(expiresIn));
  }
  const isLifetime =
    typeof expiresIn === 'number' &&
    Number.isSafeInteger(expiresIn) &&
    expiresIn > 0 &&
    expiresIn <= LONGEST_LIFETIME_SECONDS;
  return isLifetime ? expiresIn * 1_000 : undefined;
}
