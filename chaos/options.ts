import { parseArgs } from 'node:util';
import { GUARDS, type Guard } from './mutation.js';
import type { DatabaseKind, Mode } from './terms.js';

export interface Options {
  readonly database: DatabaseKind;
  readonly mode: Mode;
  readonly replicas: number;
  /** For how long faults strike; what settles afterwards comes on top. */
  readonly seconds: number;
  readonly seed: number;
  readonly mutate: Guard | undefined;
  readonly expectViolation: boolean;
  /** The built service. */
  readonly dist: string;
  readonly keep: boolean;
  /** A file for what the run came to, as JSON. */
  readonly result: string | undefined;
}

export const USAGE = `npm run chaos -- [options]
  --database sqlite|postgres|mysql   default sqlite; servers: TEST_POSTGRES_URL, TEST_MYSQL_URL
  --mode legacy|stable               default legacy
  --replicas 3                       1 to 8 processes
  --seconds 60                       how long faults strike, 5 to 3600; at most 60 more until all is settled
  --seed 1                           the same seed plans the same faults
  --mutate fence|suspect|floor|lease legacy mode only: runs without that guard, to see what finds it
  --expect-violation                 exit 0 if the checker found a violation, 1 if not
  --keep                             keep the record and the logs also when nothing was found
  --dist dist                        the built service
  --result FILE                      writes what the run came to, as JSON
npm run chaos -- matrix --help       many runs, and the tables of chaos/results`;

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError that says what to give instead */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parse(args);
  const mutate = values.mutate === undefined ? undefined : oneOf('mutate', values.mutate, GUARDS);
  const options: Options = {
    database: oneOf('database', values.database, ['sqlite', 'postgres', 'mysql'] as const),
    mode: oneOf('mode', values.mode, ['legacy', 'stable'] as const),
    replicas: whole('replicas', values.replicas, 1, 8),
    seconds: whole('seconds', values.seconds, 5, 3_600),
    seed: whole('seed', values.seed, 0, 2 ** 32 - 1),
    mutate,
    expectViolation: values['expect-violation'],
    dist: values.dist,
    keep: values.keep,
    result: values.result,
  };
  if (mutate !== undefined && options.mode !== 'legacy') {
    throw new UsageError(
      '--mutate is for --mode legacy: a stable token does not need those guards',
    );
  }
  return options;
}

/** How to run the same again. */
export function describeOptions(options: Options): string {
  const { database, mode, replicas, seconds, seed, mutate } = options;
  const base = `npm run chaos -- --database ${database} --mode ${mode} --replicas ${replicas} --seconds ${seconds} --seed ${seed}`;
  return mutate === undefined ? base : `${base} --mutate ${mutate}`;
}

function parse(args: readonly string[]): ReturnType<typeof parseStrictly> {
  try {
    return parseStrictly(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

// eslint-disable-next-line @typescript-eslint/explicit-function-return-type -- parseArgs infers it
function parseStrictly(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      database: { type: 'string', default: 'sqlite' },
      mode: { type: 'string', default: 'legacy' },
      replicas: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      mutate: { type: 'string' },
      'expect-violation': { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      dist: { type: 'string', default: 'dist' },
      result: { type: 'string' },
    },
  });
}

function oneOf<Name extends string>(option: string, value: string, names: readonly Name[]): Name {
  const name = names.find((candidate) => candidate === value);
  if (name === undefined) {
    throw new UsageError(`--${option} is one of ${names.join(', ')}`);
  }
  return name;
}

function whole(option: string, value: string, least: number, most: number): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most) {
    throw new UsageError(`--${option} is a whole number from ${least} to ${most}`);
  }
  return number;
}
