import { describe, expect, it } from '@jest/globals';
import { RequestLimit } from './request-limit.js';

class HandClock {
  private nowMs = 1_000_000;

  monotonicMs(): number {
    return this.nowMs;
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }
}

describe('a limit of so many a minute', () => {
  it('takes them, then tells how long to wait, and which is the first past it', () => {
    const limit = new RequestLimit(3, new HandClock());
    expect(Array.from({ length: 5 }, () => limit.take('a'))).toEqual([
      undefined,
      undefined,
      undefined,
      { retryAfterSeconds: 60, isFirst: true },
      { retryAfterSeconds: 60, isFirst: false },
    ]);
  });

  it('counts each key for itself', () => {
    const limit = new RequestLimit(1, new HandClock());
    limit.take('a');
    expect(limit.take('a')).toBeDefined();
    expect(limit.take('b')).toBeUndefined();
  });

  it('takes some again a minute after the first, however often it was asked meanwhile', () => {
    const clock = new HandClock();
    const limit = new RequestLimit(1, clock);
    limit.take('a');
    clock.pass(58_999);
    expect(limit.take('a')).toEqual({ retryAfterSeconds: 2, isFirst: true });
    clock.pass(1_000);
    expect(limit.take('a')).toEqual({ retryAfterSeconds: 1, isFirst: false });
    clock.pass(1);
    expect(limit.take('a')).toBeUndefined();
    expect(limit.take('a')).toEqual({ retryAfterSeconds: 60, isFirst: true });
  });

  it('tells without counting when it is reached, and for how long', () => {
    const clock = new HandClock();
    const limit = new RequestLimit(2, clock);
    expect(limit.reached('a')).toBeUndefined();
    limit.take('a');
    expect(limit.reached('a')).toBeUndefined();
    limit.take('a');
    clock.pass(10_000);
    expect(limit.reached('a')).toEqual({ retryAfterSeconds: 50 });
    expect(limit.reached('b')).toBeUndefined();
    clock.pass(50_000);
    expect(limit.reached('a')).toBeUndefined();
    expect(limit.take('a')).toBeUndefined();
  });

  it('forgets the oldest window where there are too many keys, and no other', () => {
    const clock = new HandClock();
    const limit = new RequestLimit(1, clock, 2);
    limit.take('a');
    limit.take('b');
    clock.pass(30_000);
    limit.take('c');
    expect(limit.take('b')).toBeDefined();
    expect(limit.take('c')).toBeDefined();
    expect(limit.take('a')).toBeUndefined();
  });

  it('keeps a window that was opened again, though its key was the first that was seen', () => {
    const clock = new HandClock();
    const limit = new RequestLimit(1, clock, 2);
    limit.take('a');
    clock.pass(1);
    limit.take('b');
    clock.pass(59_999);
    limit.take('a');
    limit.take('c');
    expect(limit.take('a')).toBeDefined();
    expect(limit.take('c')).toBeDefined();
  });
});
