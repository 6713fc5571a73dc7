import { describe, expect, it } from '@jest/globals';
import { neededMs, refreshTiming } from './timing.js';

describe('the timing of a refresh', () => {
  it('follows from WECHAT_TIMEOUT_MS: 10 s call, 15 s commit, 5 s margin, 45 s lease', () => {
    const timing = refreshTiming(5_000);
    expect(timing).toEqual({ callMs: 10_000, commitMs: 15_000, marginMs: 5_000, leaseMs: 45_000 });
    expect(neededMs(timing)).toBe(30_000);
  });

  it('holds for every time-out that the configuration allows', () => {
    expect(refreshTiming(100).leaseMs).toBe(900);
    expect(refreshTiming(12_000).leaseMs).toBe(108_000);
  });

  it('refuses one with which a dead token could be served', () => {
    expect(() => refreshTiming(16_000)).toThrow('WECHAT_TIMEOUT_MS');
  });
});
