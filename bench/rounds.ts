import type { Options } from './options.js';

/** Of each contender, by its name. */
export type Each<Name extends string, Item> = Readonly<Record<Name, Item>>;

/**
 * A machine that shares its host changes its pace every second or so, by a factor of two (docs/performance.md).
 * So a round is cut into turns shorter than that, and adds up those of each contender: what slows one slows
 * the others as much.
 */
export function turnsIn({ seconds }: Pick<Options, 'seconds'>, turnMs: number): number {
  return Math.ceil((seconds * 1_000) / turnMs);
}

/** @returns what was measured of each, round by round */
export async function inRounds<Name extends string, Result>(
  rounds: number,
  measure: () => Promise<Each<Name, Result>>,
): Promise<Each<Name, Result[]>> {
  const measured: Each<Name, Result>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    measured.push(await measure());
  }
  const [first] = measured;
  if (first === undefined) {
    throw new RangeError('at least one round');
  }
  return mapEach(first, (_, name) => measured.map((each) => each[name]));
}

export function mapEach<Name extends string, Item, Result>(
  each: Each<Name, Item>,
  work: (item: Item, name: Name) => Result,
): Record<Name, Result> {
  const entries = namesOf(each).map((name) => [name, work(each[name], name)] as const);
  return Object.fromEntries(entries) as Record<Name, Result>;
}

/** In the order of the record. */
export function namesOf<Name extends string>(each: Each<Name, unknown>): Name[] {
  return Object.keys(each) as Name[];
}
