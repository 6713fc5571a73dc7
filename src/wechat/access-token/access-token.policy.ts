import type { TokenMode } from '../../config/app-config.js';
import type { CredentialPolicy } from '../credentials/credential.policy.js';

/** In its last 300 s WeChat returns a new stable token; before, the same one: an earlier call is wasted. */
const STABLE_WINDOW_MS = 300_000;
const STABLE_JITTER_MS = { least: 5_000, spread: 15_000 };

/** Legacy: a third of the lifetime is left, so that 40 minutes of a WeChat that refuses pass unseen. */
const LEGACY_PART_USED = 2 / 3;
const LEGACY_JITTER = 0.05;

const stable: CredentialPolicy = {
  name: 'stable',
  fetchEndsOlderValue: false,
  floorMs: 2_000,
  ledger: { capacity: 600, perDay: 2_000 },
  forced: { perDay: 20, apartMs: 30_000 },
  fullLifetimeMs: 300_000,
  dueAtMs: ({ expiresAtMs }, jitter, scale) => {
    const jitterMs = STABLE_JITTER_MS.least + jitter * STABLE_JITTER_MS.spread;
    return expiresAtMs - (STABLE_WINDOW_MS - jitterMs) * scale;
  },
};

const legacy: CredentialPolicy = {
  name: 'legacy',
  fetchEndsOlderValue: true,
  floorMs: 5_000,
  ledger: { capacity: 60, perDay: 200 },
  fullLifetimeMs: 1_200_000,
  dueAtMs: ({ obtainedAtMs, lifetimeMs }, jitter) =>
    obtainedAtMs + lifetimeMs * LEGACY_PART_USED * (1 - LEGACY_JITTER * jitter),
};

export const ACCESS_TOKEN_POLICIES: Readonly<Record<TokenMode, CredentialPolicy>> = {
  stable,
  legacy,
};
