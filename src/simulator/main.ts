import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { EnvironmentError, readEnvironment } from './environment.js';
import { DEFAULT_SETTINGS } from './control/settings.dto.js';
import { startSimulator } from './start-simulator.js';

const SECOND_SIGNAL_MS = 500;

/** Starts the simulator for users' own tests; docs/simulator.md says how to use it. */
async function main(): Promise<void> {
  // Nest's own account of its modules and routes would come before the line that tells the URL.
  Logger.overrideLogger(['error', 'fatal']);
  const options = readEnvironment();
  const simulator = await startSimulator(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Ctrl-C under npm arrives twice. To close is done once, and is over before the second one may be there: a process
    // that is just ending would die of it.
    process.on(signal, () => {
      simulator
        .close()
        .then(() => delay(SECOND_SIGNAL_MS))
        .catch(fail);
    });
  }
  // The first line is for programs too: they wait for it, and read the URL from its end.
  console.log(`WeChat simulator listening on ${simulator.url}`);
  if (options.accounts === undefined || options.accounts.length === 0) {
    console.log(`It has no account yet: POST ${simulator.url}/__simulator/accounts adds one`);
  }
  const { lifetime_seconds: lifetime, stable_window_seconds: window } = {
    ...DEFAULT_SETTINGS,
    ...options.settings,
  };
  if (window >= lifetime) {
    console.log(
      `A token lives ${lifetime} s, all of them in the stable window of ${window} s: every stable call mints. Set SIMULATOR_STABLE_WINDOW_SECONDS too`,
    );
  }
}

function fail(error: unknown): void {
  process.exitCode = 1;
  if (error instanceof EnvironmentError) {
    console.error('The simulator cannot start with these settings:');
    error.problems.forEach((problem) => {
      console.error(`  ${problem}`);
    });
    return;
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    console.error(`${error.message}: choose another SIMULATOR_PORT, or 0 for a free one`);
    return;
  }
  console.error('The simulator failed:', error);
}

main().catch(fail);
