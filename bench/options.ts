import { parseArgs } from 'node:util';

export interface Options {
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  readonly connections: number;
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[];
  readonly json: boolean;
}

export const USAGE = `npm run bench -- [options]
  --rounds 5         how often every contender is measured, in turn (A B C A B C …)
  --seconds 5        of one measurement
  --connections 64   that ask at the same time
  --only a,b         some scenarios of those that --list names
  --list             the scenarios
  --json             one JSON object on standard output, in place of tables`;

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError that says what to give instead; undefined asks for the list */
export function parseOptions(args: readonly string[]): Options | undefined {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
        connections: { type: 'string', default: '64' },
        only: { type: 'string', default: '' },
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (values.list) {
    return undefined;
  }
  return {
    rounds: whole('rounds', values.rounds),
    seconds: whole('seconds', values.seconds),
    connections: whole('connections', values.connections),
    only: values.only.split(',').filter((name) => name !== ''),
    json: values.json,
  };
}

function whole(option: string, value: string): number {
  if (!/^[1-9]\d{0,4}$/.test(value)) {
    throw new UsageError(`--${option} is a whole number above 0`);
  }
  return Number(value);
}
