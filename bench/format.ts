import type { Figure } from './scenario.js';
import type { Spread } from './statistics.js';

/** `1.02 (0.99–1.05)` */
export function ratioText({ median, least, most }: Spread): string {
  return `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;
}

/** `23,456 /s (23,001–23,900)` */
export function numberText({ median, least, most }: Spread, unit: string, digits = 0): string {
  const text = (value: number): string =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(median)} ${unit} (${text(least)}–${text(most)})`;
}

export function atLeast(spread: Spread, least: number): NonNullable<Figure['wanted']> {
  return { text: `≥ ${least}`, isMet: spread.median >= least };
}

export function atMost(value: number, most: number, unit = ''): NonNullable<Figure['wanted']> {
  return { text: `≤ ${most}${unit}`, isMet: value <= most };
}

export function atMostSpread(spread: Spread, most: number): NonNullable<Figure['wanted']> {
  return atMost(spread.median, most);
}

/** A table in Markdown, for bench/results. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, wanted }) => {
    const verdict =
      wanted === undefined ? '' : `${wanted.text}: ${wanted.isMet ? 'met' : '**missed**'}`;
    return `| ${name} | ${value} | ${verdict} |`;
  });
  return ['| figure | median (least–most) | wanted |', '| --- | --- | --- |', ...rows].join('\n');
}
