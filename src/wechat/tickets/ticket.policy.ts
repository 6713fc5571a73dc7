import type { CredentialPolicy } from '../credentials/credential.policy.js';

const PART_BETWEEN_FETCHES = 1 / 3;

/**
 * Within its window WeChat returns the same ticket and always the same `expires_in`, so how long a ticket
 * still has is not known. It is asked for three times in a lifetime, and one that comes back unchanged
 * keeps the end that it was first seen with.
 *
 * 36 fetches a day, 216 of the shortest lives that are not scaled; the ledger holds and refills more.
 */
export const TICKET_POLICY: CredentialPolicy = {
  name: 'ticket',
  fetchEndsOlderValue: false,
  floorMs: 2_000,
  ledger: { capacity: 100, perDay: 1_000 },
  fullLifetimeMs: 1_200_000,
  dueAtMs: ({ fetchedAtMs, lifetimeMs, expiresAtMs }) =>
    Math.min(fetchedAtMs + lifetimeMs * PART_BETWEEN_FETCHES, expiresAtMs),
};
