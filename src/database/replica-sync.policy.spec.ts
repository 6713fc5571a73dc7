import { describe, expect, it } from '@jest/globals';
import {
  areEqual,
  isGone,
  isOther,
  nextReading,
  sumsOf,
  supersedes,
  type HeldRow,
  type TableProgress,
} from './replica-sync.policy.js';

const NOW = 1_800_000_000_000;

describe('what is read of a table next', () => {
  const read = (inStepAgoMs: number, wholeAgoMs: number): TableProgress => ({
    inStepAtMs: NOW - inStepAgoMs,
    wholeAtMs: NOW - wholeAgoMs,
  });

  it.each([
    ['the sums are equal', read(1_000, 30_000), true, 'none'],
    ['they differ', read(1_000, 30_000), false, { changedAfterMs: NOW - 11_000 }],
    ['they differ, since long', read(40_000, 50_000), false, { changedAfterMs: NOW - 50_000 }],
    ['it was never read', read(Infinity, Infinity), true, 'whole'],
    ['it was read whole almost a minute ago', read(1_000, 59_999), true, 'none'],
    ['it was read whole a minute ago', read(1_000, 60_000), true, 'whole'],
    ['that, and the sums differ', read(1_000, 60_000), false, 'whole'],
    ['the clock stood still', read(0, 30_000), true, 'none'],
    ['the clock went back', read(-1, 30_000), true, 'whole'],
    ['the clock went back, and the sums differ', read(-3_600_000, -1), false, 'whole'],
  ])('%s', (_, progress, isEqual, expected) => {
    expect(nextReading(progress, NOW, isEqual)).toEqual(expected);
  });

  it('names a time that a database takes as a whole number', () => {
    expect(nextReading({ inStepAtMs: 20_000.7, wholeAtMs: 20_000 }, 21_000, false)).toEqual({
      changedAfterMs: 10_000,
    });
  });
});

describe('the sums of a table', () => {
  const rows = [
    { revision: 3, updatedAt: 20, fence: 2 },
    { revision: 4, updatedAt: 10, fence: 5 },
  ];

  it('count its rows and add up what grows in them', () => {
    expect(sumsOf(rows)).toEqual({ rows: 2, revisions: 7, fences: 7, latestMs: 20 });
    expect(sumsOf([{ revision: 1, updatedAt: 5 }])).toMatchObject({ fences: 0 });
    expect(sumsOf([])).toEqual({ rows: 0, revisions: 0, fences: 0, latestMs: 0 });
  });

  it.each([
    ['a row that is added', [...rows, { revision: 0, updatedAt: 0, fence: 0 }]],
    ['a row that is removed', rows.slice(1)],
    ['a revision', [{ ...rows[0]!, revision: 4 }, rows[1]!]],
    ['a fence', [{ ...rows[0]!, fence: 3 }, rows[1]!]],
    ['the time of the last change', [{ ...rows[0]!, updatedAt: 21 }, rows[1]!]],
  ])('tell %s', (_, others) => {
    expect(areEqual(sumsOf(rows), sumsOf(others))).toBe(false);
    expect(areEqual(sumsOf(others), sumsOf(others))).toBe(true);
  });
});

describe('a row that is read again', () => {
  const held = (changes: Partial<HeldRow> = {}): HeldRow => ({
    revision: 7,
    updatedAt: 100,
    fence: 3,
    reading: { begun: 10, ended: 20 },
    ...changes,
  });

  it.each([
    ['that is not known', undefined, held(), true],
    ['as it is known', held(), held(), false],
    ['with another revision', held(), held({ revision: 6 }), true],
    ['with another fence', held(), held({ fence: 4 }), true],
    ['with another time of the last change', held(), held({ updatedAt: 99 }), true],
  ])('%s is other than before: %#', (_, known, row, expected) => {
    expect(isOther(known, row)).toBe(expected);
  });

  const during = { begun: 15, ended: 25 };
  const around = { begun: 5, ended: 30 };
  const later = { begun: 21, ended: 22 };
  const earlier = { begun: 1, ended: 9 };
  it.each([
    ['for the first time', undefined, held(), true],
    ['later: a higher revision', held(), held({ revision: 8, reading: later }), true],
    ['later: the same revision', held(), held({ reading: later }), true],
    [
      'later: a lower revision, of a restored database',
      held(),
      held({ revision: 2, reading: later }),
      true,
    ],
    ['meanwhile: a higher revision', held(), held({ revision: 8, reading: during }), true],
    ['meanwhile: the same revision', held(), held({ reading: during }), false],
    ['meanwhile: a lower revision', held(), held({ revision: 6, reading: during }), false],
    [
      'since before, until later: a higher revision',
      held(),
      held({ revision: 8, reading: around }),
      true,
    ],
    [
      'since before, until later: a lower revision',
      held(),
      held({ revision: 6, reading: around }),
      false,
    ],
    ['before: a lower revision', held(), held({ revision: 6, reading: earlier }), false],
  ])('counts, %s: %#', (_, known, row, expected) => {
    expect(supersedes(known, row)).toBe(expected);
  });

  it.each([
    ['was read before', later, true],
    ['was read meanwhile, and may be new', during, false],
    ['was read later', earlier, false],
  ])('and is not found: gone if it %s', (_, whole, expected) => {
    expect(isGone(held(), whole)).toBe(expected);
  });
});
