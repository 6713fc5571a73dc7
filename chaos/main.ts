import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChaos } from './chaos-run.js';
import type { Evidence } from './evidence.js';
import { closeIdleConnections } from './http-call.js';
import { check } from './checker.js';
import { killAllProcesses } from './managed-process.js';
import { mutate } from './mutation.js';
import { describeOptions, parseOptions, USAGE, UsageError, type Options } from './options.js';
import { describePlan, planFaults } from './plan.js';
import { resultOf } from './run-result.js';
import { describeTerms, termsFor } from './terms.js';
import { hasViolation, verdictTable } from './verdict-table.js';
import { clockReplicaFor } from './cluster.js';

/*
 * The fault run: real replicas, real faults, and a checker that goes over the record (docs/reliability.md).
 *
 * Exit codes: 0 no violation, 1 a violation (the other way about with --expect-violation), 2 the run
 * itself could not be made. However it ends, no process, database or folder stays behind, save the
 * folder of a run that found something.
 */

/** What comes on top of the faults: the start, what is settled afterwards, the clean-up. */
const SPARE_MS = 180_000;
const CLEAN_UP_LIMIT_MS = 40_000;

type Step = () => Promise<void>;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (!existsSync(join(options.dist, 'main.js'))) {
    throw new UsageError(`${options.dist} holds no built service; run npm run build`);
  }
  const terms = termsFor(options);
  const faultMs = options.seconds * 1_000;
  const clockReplica = clockReplicaFor(options);
  const plan = planFaults({ seed: options.seed, faultMs, terms, clockReplica });
  const folder = mkdtempSync(join(tmpdir(), 'wtc-chaos-'));
  tell(describeOptions(options));
  tell(describeTerms(terms));
  tell(
    clockReplica === undefined ? 'no clock is shifted' : `clock shifts: replica ${clockReplica}`,
  );
  tell(`the record is in ${folder}\n${describePlan(plan)}`);

  const steps: Step[] = [];
  const cleanUp = (): Promise<void> => runSteps(steps);
  endOnSignals(cleanUp, folder);
  let found = false;
  try {
    const dist =
      options.mutate === undefined ? options.dist : mutate(options.dist, options.mutate, folder);
    const evidence = await withLimit(
      faultMs + SPARE_MS,
      runChaos({
        ...{ options, terms, plan, dist, folder, tell },
        onCleanUp: (step) => steps.unshift(step),
      }),
    );
    found = report(options, evidence, folder);
  } finally {
    await cleanUp();
    if (!found && !options.keep) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return found === options.expectViolation ? 0 : 1;
}

function report(options: Options, evidence: Evidence, folder: string): boolean {
  const verdicts = check(evidence);
  const found = hasViolation(verdicts);
  for (const { name, text } of evidence.outputs.slice(0, options.replicas)) {
    writeFileSync(join(folder, `${name.replaceAll(' ', '-')}.log`), text);
  }
  tell(`\n${verdictTable(verdicts)}\n`);
  tell(summary(evidence));
  if (options.result !== undefined) {
    writeFileSync(options.result, JSON.stringify(resultOf(options, evidence, verdicts)));
  }
  if (found) {
    tell(`VIOLATED. Record and logs: ${folder}\nAgain: ${describeOptions(options)}`);
  } else {
    tell('No violation.');
  }
  return found;
}

function summary({ reads, faults, tokens, reports, adminRefreshes }: Evidence): string {
  const failed = reads.filter(({ status }) => status !== 200).length;
  const limited = adminRefreshes.filter(({ code }) => code === 'rate_limited').length;
  return [
    `${faults.length} faults, ${reads.length} reads (${failed} without a token)`,
    `${tokens.length} tokens minted, ${reports.length} reports`,
    `${adminRefreshes.length} admin refreshes (${limited} past their limit)`,
  ].join(', ');
}

/** The last that was started ends first; one that fails does not keep the others from ending. */
async function runSteps(steps: Step[]): Promise<void> {
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    await withLimit(CLEAN_UP_LIMIT_MS, step()).catch((error: unknown) => {
      tell(`clean-up: ${String(error)}`);
    });
  }
  closeIdleConnections();
  killAllProcesses();
}

function endOnSignals(cleanUp: Step, folder: string): void {
  process.once('exit', killAllProcesses);
  let isEnding = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Under npm Ctrl-C arrives twice. Each step of the clean-up has its limit.
      if (isEnding) {
        return;
      }
      isEnding = true;
      tell(`${signal}: cleaning up`);
      // No process may go on working while the rest is taken away.
      killAllProcesses();
      void cleanUp().finally(() => {
        rmSync(folder, { recursive: true, force: true });
        process.exit(2);
      });
    });
  }
}

async function withLimit<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not done after ${Math.round(limitMs / 1_000)} s`));
    }, limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  const text = error instanceof UsageError ? `${error.message}\n\n${USAGE}` : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 2;
}
// Whatever is left hanging must not keep the result back.
process.exit();
