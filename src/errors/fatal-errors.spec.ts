import { describe, expect, it } from '@jest/globals';
import { FatalErrors } from './fatal-errors.js';

describe('a fatal error', () => {
  it('reaches the handler at once', () => {
    const errors = new FatalErrors();
    const seen: unknown[] = [];
    errors.onRaise((error) => seen.push(error));
    const error = new Error('no key');
    errors.raise(error);
    expect(seen).toEqual([error]);
  });

  it('raised before anybody listens is kept, the first one, and told once', () => {
    const errors = new FatalErrors();
    const first = new Error('first');
    errors.raise(first);
    errors.raise(new Error('second'));
    const seen: unknown[] = [];
    errors.onRaise((error) => seen.push(error));
    expect(seen).toEqual([first]);
    errors.onRaise((error) => seen.push(error));
    expect(seen).toEqual([first]);
  });
});
