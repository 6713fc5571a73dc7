#!/usr/bin/env node
import { CommanderError } from 'commander';
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { CliError, EXIT } from './exit.js';
import { createProgram } from './program.js';
import { lines } from './terminal-text.js';

/*
 * The command line. It speaks HTTP to the service and imports nothing of it. Exit codes: exit.ts.
 */

/** A third of the 10 s that Node's fetch has to connect; its own 250 ms for an address are too few over a slow line. */
const ADDRESS_LIMIT_MS = 3_333;

async function main(): Promise<number> {
  setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_LIMIT_MS);
  // Nobody reads on, such as after "| head".
  process.stdout.once('error', () => {
    process.exit(EXIT.done);
  });
  try {
    await createProgram().parseAsync();
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Its words stand on standard error already; help that was asked for is no mistake.
      return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    }
    if (error instanceof CliError) {
      process.stderr.write(`${lines(error.message)}\n`);
      return error.exitCode;
    }
    throw error;
  }
}

process.exitCode = await main();
