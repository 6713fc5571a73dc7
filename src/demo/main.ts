import { setTimeout as delay } from 'node:timers/promises';
import { UnexpectedAnswer } from './expectation.js';
import { makeCalls, showCalls } from './runner.js';
import { DemoError, DemoProcesses } from './processes.js';
import * as terminal from './terminal.js';

/*
 * The demonstration: a simulator of WeChat and the service side by side, and the calls that show what
 * the service does. It speaks HTTP to both and imports neither.
 *
 * Exit codes: 0 when it was stopped (without --once) or every call was answered as expected (--once);
 * 1 when not; 2 when it was called wrongly.
 */

const USAGE = [
  'npm run demo             starts a WeChat simulator and the service, and prints curl lines to try',
  'npm run demo -- --once   makes those calls itself, prints the answers, and stops',
];

const REASON_MS = 300;
/** Ctrl-C under npm arrives twice: from the terminal, and from npm, which passes it on. */
const SAME_SIGNAL_MS = 2_000;

type Ending = 'interrupted' | 'done' | DemoError;

async function main(words: readonly string[]): Promise<number> {
  const once = words.length === 1 && words[0] === '--once';
  if (words.length > 0 && !once) {
    terminal.complain('The demonstration knows no other argument than --once.', '', ...USAGE);
    return 2;
  }
  const processes = new DemoProcesses();
  // Whatever ends this process, an error that nobody caught among it: no child and no file stays.
  process.once('exit', () => {
    processes.destroy();
  });
  // Nobody reads on, such as after "| head" or when the terminal was closed.
  process.stdout.once('error', () => {
    process.exit(1);
  });
  const interrupted = interruption(processes);
  try {
    const ending = await Promise.race([
      run(processes, once),
      processes.broken,
      interrupted.then((): Ending => 'interrupted'),
    ]);
    if (ending instanceof DemoError) {
      throw ending;
    }
    return once && ending === 'interrupted' ? 1 : 0;
  } catch (error) {
    // A call fails a moment before its server is known to have ended: then that is the reason to tell.
    explain(await Promise.race([processes.broken, delay(REASON_MS, error)]), processes);
    return 1;
  } finally {
    await processes.close();
  }
}

/** Fulfilled by the first signal; a second one, two seconds later, does not wait for the children. */
function interruption(processes: DemoProcesses): Promise<void> {
  return new Promise((resolve) => {
    let stoppingSinceMs: number | undefined;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (stoppingSinceMs === undefined) {
          stoppingSinceMs = performance.now();
          terminal.say('', 'Stopping both.');
          resolve();
        } else if (performance.now() - stoppingSinceMs >= SAME_SIGNAL_MS) {
          processes.destroy();
        }
      });
    }
  });
}

async function run(processes: DemoProcesses, once: boolean): Promise<Ending> {
  terminal.sayTitle('WeChat Token Center: demonstration');
  terminal.say('Starting a simulator of WeChat and the service …');
  await processes.start();
  const [simulator, service] = processes.children;
  terminal.say(
    '',
    `  simulator  ${processes.simulatorUrl}  (process ${simulator?.pid ?? 0})`,
    `  service    ${processes.serviceUrl}  (process ${service?.pid ?? 0})`,
    `  database   SQLite in ${processes.folder}`,
    '',
    'The keys in the lines below were made at random for this run, and open nothing else.',
  );
  if (once) {
    await makeCalls(processes);
    return 'done';
  }
  await showCalls(processes);
  return new Promise<never>(() => undefined);
}

function explain(error: unknown, processes: DemoProcesses): void {
  if (error instanceof DemoError) {
    terminal.complain(
      '',
      `The demonstration failed: ${error.message}.`,
      ...outputOf(error.lastLines),
    );
    return;
  }
  const kind =
    error instanceof UnexpectedAnswer ? 'The answer is not as expected' : 'The call failed';
  terminal.complain('', `${kind}: ${reasonOf(error)}.`);
  for (const { name, lastLines } of processes.children) {
    terminal.complain('', `${name}:`, ...outputOf(lastLines));
  }
}

/** Node's fetch says "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}

function outputOf(lines: readonly string[]): string[] {
  return lines.length === 0
    ? ['It printed nothing.']
    : ['Its last lines:', ...lines.map((line) => `  ${line}`)];
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    terminal.complain(`The demonstration failed: ${String(error)}`);
    process.exitCode = 1;
  },
);
