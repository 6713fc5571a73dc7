import type { Item } from './service-connection.js';
import { oneLine } from './terminal-text.js';

/** A heading, and where its value stands in an item: `access_token.state`. */
export type Column = readonly [title: string, path: string];

const GAP = '  ';
/** Characters that take two columns of a terminal. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/u;

/** Aligned columns under their headings. */
export function table(columns: readonly Column[], items: readonly Item[]): string {
  const rows = [
    columns.map(([title]) => title),
    ...items.map((item) => columns.map(([, path]) => textOf(valueAt(item, path)))),
  ];
  return aligned(rows);
}

/** One line for each field, nested ones by their path. */
export function fields(item: Item): string {
  return aligned(flatten(item).map(([path, value]) => [`${oneLine(path)}:`, textOf(value)]));
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) =>
    Math.max(...rows.map((row) => widthOf(row[index] ?? ''))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell)))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

function flatten(item: Item, prefix = ''): [string, unknown][] {
  return Object.entries(item).flatMap(([name, value]): [string, unknown][] => {
    const path = `${prefix}${name}`;
    if (isItem(value)) {
      return flatten(value, `${path}.`);
    }
    return Array.isArray(value) && value.some(isItem)
      ? value.filter(isItem).flatMap((entry, index) => flatten(entry, `${path}.${index + 1}.`))
      : [[path, value]];
  });
}

function valueAt(item: Item, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (isItem(value) ? value[name] : undefined), item);
}

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What came over the network must not steer the terminal. */
function textOf(value: unknown): string {
  if (value === null || value === undefined || value === '') {
    return '-';
  }
  if (Array.isArray(value)) {
    return value.map((entry) => textOf(isItem(entry) ? entry.id : entry)).join(',');
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return oneLine(text);
}

function widthOf(text: string): number {
  return Array.from(text).reduce((width, character) => width + (WIDE.test(character) ? 2 : 1), 0);
}
