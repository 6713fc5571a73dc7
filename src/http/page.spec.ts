import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { AppError } from '../errors/app-error.js';
import { cursorFields, decodeCursor, pageFields, toPage } from './page.js';

const Position = z.strictObject(cursorFields);
const rows = [3, 2, 1].map((atMs) => ({ atMs, id: `row-${atMs}` }));
const itself = <T>(value: T): T => value;

describe('a page', () => {
  it('that has more after it names the place of its last item', () => {
    const page = toPage(rows, 2, ({ id }) => id, itself);
    expect(page.items).toEqual(['row-3', 'row-2']);
    expect(decodeCursor(Position, page.next_cursor ?? undefined)).toEqual({ atMs: 2, id: 'row-2' });
  });

  it('that is the last has no cursor, be it full or empty', () => {
    expect(toPage(rows, 3, itself, itself).next_cursor).toBeNull();
    expect(toPage([], 3, itself, itself)).toEqual({ items: [], next_cursor: null });
  });

  it.each(['0', '201', '-1', '1.5', 'ten', '', '1e2', '0x1'])('of %s items: refused', (limit) => {
    expect(pageFields.limit.safeParse(limit).success).toBe(false);
  });

  it('has 50 items unless told', () => {
    expect(pageFields.limit.parse(undefined)).toBe(50);
    expect(pageFields.limit.parse('200')).toBe(200);
  });
});

describe('a cursor that no page gave', () => {
  const valid = toPage(rows, 2, itself, itself).next_cursor ?? '';
  const encoded = (position: unknown): string =>
    Buffer.from(JSON.stringify(position)).toString('base64url');

  it.each([
    ['no base64url', '%%%'],
    ['no JSON', Buffer.from('{').toString('base64url')],
    ['another list’s', encoded({ at: 1 })],
    ['with a field too many', encoded({ atMs: 1, id: 'x', or: 1 })],
    ['with a quote in it', encoded({ atMs: 1, id: "x' OR 1=1" })],
    ['with a NUL in it', encoded({ atMs: 1, id: 'x\u0000' })],
    ['beyond all numbers', encoded({ atMs: 1e300, id: 'x' })],
    ['before all time', encoded({ atMs: -1, id: 'x' })],
    ['cut off', valid.slice(0, -2)],
    ['with something behind it', `${valid}!`],
    ['padded', `${valid}==`],
  ])('%s: validation_failed at query.cursor', (_what, cursor) => {
    let thrown: unknown;
    try {
      decodeCursor(Position, cursor);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AppError);
    expect(thrown).toMatchObject({ code: 'validation_failed', errors: [{ path: 'query.cursor' }] });
  });

  it('is never anything but refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(encoded)), (cursor) => {
        expect(() => decodeCursor(Position, cursor)).toThrow(AppError);
      }),
    );
  });
});
