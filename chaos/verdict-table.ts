import type { Verdict } from './evidence.js';

const SHOWN = 5;

/** The checker's findings for people: a line for each invariant, and the first violations below it. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ invariant, title, checked, violations, note }) => [
    invariant,
    violations.length > 0 ? `${violations.length} FOUND` : 'ok',
    String(checked),
    note === undefined ? title : `${title} (${note})`,
  ]);
  const header = ['', 'violations', 'checked', 'invariant'];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  const details = verdicts.map(({ violations }) => describeViolations(violations));
  return [line(header), ...rows.map((row, index) => line(row) + (details[index] ?? ''))].join('\n');
}

export function hasViolation(verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ violations }) => violations.length > 0);
}

function describeViolations(violations: readonly string[]): string {
  const more = violations.length - SHOWN;
  const shown = violations.slice(0, SHOWN).map((text) => `\n      - ${text}`);
  return shown.join('') + (more > 0 ? `\n      - and ${more} more` : '');
}
