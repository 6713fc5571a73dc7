import { InvalidArgumentError } from 'commander';

/** `--scope a,b --scope c`: an option that may stand there more than once. */
export function collect(text: string, before: readonly string[] = []): string[] {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  return [...before, ...entries];
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max)) {
      throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

/** A part of a path: what the user wrote must not become another path. */
export function segment(text: string): string {
  return encodeURIComponent(text).replaceAll('.', '%2E');
}
