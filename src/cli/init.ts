import type { Command } from 'commander';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { readDotEnv } from './environment.js';
import { reasonOf, UsageError } from './exit.js';

const FILE = '.env';
const OWNER_ONLY = 0o600;
const ENCRYPTION_KEY_BYTES = 32;
const API_KEY_BYTES = 24;
/** What the service cannot start without. */
const REQUIRED = ['ADMIN_API_KEY', 'ENCRYPTION_KEY'];

const WRITTEN = `Wrote ${FILE} with fresh keys. Only you can read it.
Keep a copy of its ENCRYPTION_KEY apart from the database: without it, what is stored cannot be read.
Next: start the service in this folder.
`;

export function addInit(program: Command): void {
  program
    .command('init')
    .description('write .env with fresh keys into this folder; a .env that exists is kept')
    .action(() => {
      if (writeNewFile()) {
        process.stdout.write(WRITTEN);
        return;
      }
      assertHoldsKeys();
      process.stdout.write(`${FILE} exists. Its keys are kept; nothing was written.\n`);
    });
}

/**
 * Never replaces a file: whoever lost the encryption key to a second run could not read the database any more.
 * @returns whether the file was written; false when there is one
 */
function writeNewFile(): boolean {
  try {
    writeFileSync(FILE, freshKeys(), { flag: 'wx', mode: OWNER_ONLY });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      return false;
    }
    throw new UsageError(`${FILE} cannot be written: ${reasonOf(error)}.`);
  }
}

function freshKeys(): string {
  return [
    '# Made by `wechat-token-center init`. .env.example and docs/configuration.md explain every variable.',
    '',
    '# For operators: opens the admin endpoints and nothing else.',
    `ADMIN_API_KEY=${apiKey()}`,
    '',
    '# For your business servers: every client endpoint, on all accounts.',
    `CLIENT_API_KEY=${apiKey()}`,
    '',
    '# Encrypts what is stored. Keep a copy apart from the database.',
    `ENCRYPTION_KEY=${randomBytes(ENCRYPTION_KEY_BYTES).toString('base64')}`,
    '',
  ].join('\n');
}

function apiKey(): string {
  return randomBytes(API_KEY_BYTES).toString('hex');
}

/** @throws UsageError when the file that is there lacks a key, as a copy of .env.example does */
function assertHoldsKeys(): void {
  const inFile = readDotEnv();
  const missing = REQUIRED.filter(
    (name) => inFile[name] === undefined && inFile[`${name}_FILE`] === undefined,
  );
  if (missing.length > 0) {
    throw new UsageError(
      `${FILE} exists and has no ${missing.join(' and no ')}. Nothing was written. Add what is missing (.env.example says how), or move the file away and run init again.`,
    );
  }
}
