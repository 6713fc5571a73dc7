import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GUARDS, type Guard } from './mutation.js';
import { markdownTables } from './matrix-tables.js';
import type { RunResult } from './run-result.js';
import type { DatabaseKind, Mode } from './terms.js';

/*
 * Many fault runs, some at a time, and the tables of chaos/results. What each came to is appended
 * to a file, so that a matrix that was interrupted goes on where it stood, as long as the commit is the
 * same. Exit code 1: something was violated, or a run without a guard found nothing.
 */

const USAGE = `npm run chaos -- matrix [options]
  --seeds 1,2,3,4,5   --databases sqlite,postgres,mysql   --modes legacy,stable   --seconds 60
  --mutate GUARDS     also runs without them: fence,suspect,floor,lease or none (default), legacy, seed 1
  --parallel 2        runs at a time; a run of three replicas keeps one core busy
  --results FILE      default chaos-results.jsonl in the folder for temporary files`;

interface Planned {
  readonly database: DatabaseKind;
  readonly mode: Mode;
  readonly seed: number;
  readonly mutate: Guard | null;
}

type Recorded = RunResult & { readonly commit: string; readonly seconds: number };

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      seeds: { type: 'string', default: '1,2,3,4,5' },
      databases: { type: 'string', default: 'sqlite,postgres,mysql' },
      modes: { type: 'string', default: 'legacy,stable' },
      seconds: { type: 'string', default: '60' },
      mutate: { type: 'string', default: 'none' },
      parallel: { type: 'string', default: '2' },
      results: { type: 'string', default: join(tmpdir(), 'chaos-results.jsonl') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD']).toString().trim();
  const seconds = Number(values.seconds);
  const planned = plan(
    list(values.databases) as DatabaseKind[],
    list(values.modes) as Mode[],
    list(values.seeds).map(Number),
    GUARDS.filter((guard) => list(values.mutate).includes(guard)),
  );
  const key = (run: Planned): string => [run.database, run.mode, run.seed, run.mutate].join(' ');
  const known = (): Map<string, RunResult> =>
    new Map(
      readResults(values.results)
        .filter((result) => result.commit === commit && result.seconds === seconds)
        .map((result) => [key(result), result]),
    );

  const done = known();
  const left = planned.filter((run) => !done.has(key(run)));
  const work = async (): Promise<void> => {
    for (let run = left.shift(); run !== undefined; run = left.shift()) {
      const result = await runOnce(run, seconds);
      const verdict = result === undefined ? 'could not be made' : describe(result);
      process.stdout.write(`${key(run)}: ${verdict}\n`);
      if (result !== undefined) {
        appendFileSync(values.results, `${JSON.stringify({ ...result, commit, seconds })}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel) }, work));

  const results = known();
  const found = planned.flatMap((run) => results.get(key(run)) ?? []);
  process.stdout.write(`\nAs of commit ${commit}:\n\n${markdownTables(found)}\n`);
  return found.length === planned.length && found.every(isAsExpected) ? 0 : 1;
}

function plan(
  databases: readonly DatabaseKind[],
  modes: readonly Mode[],
  seeds: readonly number[],
  guards: readonly Guard[],
): Planned[] {
  const whole = databases.flatMap((database) =>
    modes.flatMap((mode) => seeds.map((seed) => ({ database, mode, seed, mutate: null }))),
  );
  const mutated = databases.flatMap((database) =>
    guards.map((mutate) => ({ database, mode: 'legacy', seed: 1, mutate }) as const),
  );
  return [...whole, ...mutated];
}

/** @returns undefined where the run itself could not be made; it has told why */
async function runOnce(run: Planned, seconds: number): Promise<RunResult | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'wtc-matrix-'));
  const file = join(folder, 'result.json');
  const args = {
    ...{ database: run.database, mode: run.mode, seed: run.seed, seconds, result: file },
    ...(run.mutate !== null && { mutate: run.mutate }),
  };
  const options = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(process.execPath, ['chaos/run.mjs', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  const result = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as RunResult)
    : undefined;
  rmSync(folder, { recursive: true, force: true });
  if (result === undefined || !isAsExpected(result)) {
    process.stdout.write(output);
  }
  return result;
}

function isAsExpected({ mutate, violated }: RunResult): boolean {
  return (mutate === null) === (violated.length === 0);
}

function describe(result: RunResult): string {
  const found = result.violated.map(({ invariant, found: all }) => `${all.length} × ${invariant}`);
  return found.length === 0 ? 'no violation' : `violated: ${found.join(', ')}`;
}

function readResults(file: string): Recorded[] {
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Recorded)
    : [];
}

function list(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

process.exitCode = await main();
