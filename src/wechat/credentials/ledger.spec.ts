import { describe, expect, it } from '@jest/globals';
import { ACCESS_TOKEN_POLICIES } from '../access-token/access-token.policy.js';
import {
  chinaDay,
  forcedAllowedAtMs,
  ledgerRoomAtMs,
  ledgerTerms,
  ledgerUsed,
  parseForcedAt,
} from './ledger.js';

const { stable, legacy } = ACCESS_TOKEN_POLICIES;
const LIFETIME_MS = 7_200_000;
const NOW = 1_795_000_000_000;
const HOUR_MS = 3_600_000;

describe('the ledger', () => {
  it('legacy: 60 fetches, refilled by 200 a day, one in 432 s', () => {
    const terms = ledgerTerms(legacy, LIFETIME_MS, 'schedule');
    expect(terms).toEqual({ intervalMs: 432_000, capacityMs: 25_920_000, roomMs: 25_920_000 });
  });

  it('stable: 600 fetches, refilled by 2,000 a day, one in 43.2 s', () => {
    const terms = ledgerTerms(stable, LIFETIME_MS, 'schedule');
    expect(terms).toEqual({ intervalMs: 43_200, capacityMs: 25_920_000, roomMs: 25_920_000 });
  });

  it('refills faster where lives are shorter', () => {
    expect(ledgerTerms(legacy, 120_000, 'schedule').intervalMs).toBe(43_200);
  });

  it('reports may not take its last third', () => {
    expect(ledgerTerms(legacy, LIFETIME_MS, 'report').roomMs).toBe(40 * 432_000);
  });

  it('admin refreshes are counted, never refused', () => {
    expect(ledgerTerms(legacy, LIFETIME_MS, 'admin').roomMs).toBeUndefined();
  });

  it('has room for the 60th fetch, and for the 61st once one has come back', () => {
    const terms = ledgerTerms(legacy, LIFETIME_MS, 'schedule');
    const after59 = NOW + 59 * terms.intervalMs;
    expect(ledgerRoomAtMs(terms, after59, NOW)).toBe(NOW);
    const after60 = NOW + 60 * terms.intervalMs;
    expect(ledgerRoomAtMs(terms, after60, NOW)).toBe(NOW + 432_000);
    expect(ledgerUsed(terms, after60, NOW)).toBe(60);
    expect(ledgerUsed(terms, NOW - 1, NOW)).toBe(0);
  });
});

it('a ledger or a forced refresh that lies in a future that cannot be is passed over', () => {
  const terms = ledgerTerms(legacy, LIFETIME_MS, 'schedule');
  expect(ledgerRoomAtMs(terms, NOW + 24 * HOUR_MS, NOW)).toBe(0);
  expect(parseForcedAt(`${NOW + HOUR_MS}`, NOW)).toEqual([]);
});

describe('forced refreshes', () => {
  const row = (...atMs: number[]): { forcedAt: string; lifetimeMs: number } => ({
    forcedAt: atMs.join(','),
    lifetimeMs: LIFETIME_MS,
  });

  it('are 30 s apart', () => {
    expect(forcedAllowedAtMs(stable, row(NOW - 10_000), NOW)).toBe(NOW + 20_000);
    expect(forcedAllowedAtMs(stable, row(NOW - 30_000), NOW)).toBe(NOW);
    expect(forcedAllowedAtMs(stable, row(), NOW)).toBe(NOW);
  });

  it('are 20 in any 24 hours, not in any calendar day', () => {
    const hourly = Array.from({ length: 20 }, (_, index) => NOW - (20 - index) * HOUR_MS);
    expect(forcedAllowedAtMs(stable, row(...hourly), NOW)).toBe(NOW + 4 * HOUR_MS);
    expect(forcedAllowedAtMs(stable, row(...hourly.slice(1)), NOW)).toBe(NOW);
  });

  it('are forgotten after 24 hours', () => {
    const old = `${NOW - 24 * HOUR_MS},${NOW - 24 * HOUR_MS + 1}`;
    expect(parseForcedAt(old, NOW)).toEqual([NOW - 24 * HOUR_MS + 1]);
  });
});

it("counts calls by China's day", () => {
  const midnightInChina = Date.UTC(2026, 10, 22, 16);
  expect(chinaDay(midnightInChina) - chinaDay(midnightInChina - 1)).toBe(1);
});
