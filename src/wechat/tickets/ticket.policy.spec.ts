import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { floorMs, nextDueAtMs, scaleOf } from '../credentials/credential.policy.js';
import { TICKET_POLICY } from './ticket.policy.js';

const OBTAINED_AT = 1_795_000_000_000;

/** Seconds from when a ticket was first seen to the next fetch, after one at `fetchedAfter`. */
function dueAfterSeconds(fetchedAfter: number, lifetimeSeconds = 7_200): number {
  const ticket = {
    appId: 'wx0123456789abcdef',
    version: 3,
    obtainedAtMs: OBTAINED_AT,
    expiresAtMs: OBTAINED_AT + lifetimeSeconds * 1_000,
    lifetimeMs: lifetimeSeconds * 1_000,
  };
  const dueAtMs = nextDueAtMs(TICKET_POLICY, ticket, OBTAINED_AT + fetchedAfter * 1_000);
  return (dueAtMs - OBTAINED_AT) / 1_000;
}

describe('when a ticket is due', () => {
  it('a third of its lifetime after it was fetched', () => {
    expect(dueAfterSeconds(0)).toBe(2_400);
  });

  it('unchanged: a third after that fetch again, but not past its first end', () => {
    expect(dueAfterSeconds(2_400)).toBe(4_800);
    expect(dueAfterSeconds(4_800)).toBe(7_200);
    expect(dueAfterSeconds(5_000)).toBe(7_200);
  });

  it('unchanged at its end: 15 s later, until WeChat gives another one', () => {
    expect(dueAfterSeconds(7_200)).toBe(7_215);
  });

  it('36 times a day, of the 1,000 that its ledger gets back', () => {
    expect(86_400 / dueAfterSeconds(0)).toBe(36);
    expect(TICKET_POLICY.ledger).toEqual({ capacity: 100, perDay: 1_000 });
  });

  it('short lives shrink what stands against them', () => {
    expect(scaleOf(TICKET_POLICY, 1_200_000)).toBe(1);
    expect(scaleOf(TICKET_POLICY, 12_000)).toBe(0.01);
    expect(floorMs(TICKET_POLICY, 7_200_000)).toBe(2_000);
    expect(floorMs(TICKET_POLICY, 12_000)).toBe(20);
    expect(dueAfterSeconds(0, 12)).toBe(4);
    expect(dueAfterSeconds(12, 12)).toBe(12.15);
  });

  it('however short the life, the ledger gets back more than the schedule takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 86_400 }), (lifetimeSeconds) => {
        const perDay = 86_400 / dueAfterSeconds(0, lifetimeSeconds);
        const refilled =
          TICKET_POLICY.ledger.perDay / scaleOf(TICKET_POLICY, lifetimeSeconds * 1_000);
        return perDay < refilled;
      }),
    );
  });
});
