import type { INestApplicationContext, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { setTimeout as delay } from 'node:timers/promises';
import { databaseEnvironment, loadEnvironment } from '../config/environment.js';
import { parseAppConfig } from '../config/parse-app-config.js';
import { DatabaseService } from '../database/database.service.js';
import { Keyring } from '../encryption/keyring.js';
import { FatalErrors } from '../errors/fatal-errors.js';
import { AppLogger } from '../observability/logger.js';
import { complain, runCommand, say } from './command.js';
import { assertExists } from './existing-database.js';
import { KeyRotationModule } from './key-rotation.module.js';
import { KeyRotationService, type RotationReport } from './key-rotation.service.js';
import { writeNewKey } from './new-key.js';

/*
 * npm run rotate-encryption-key: makes the next key, or seals what is stored with the current one while the
 * replicas go on serving. docs/operations.md has the steps.
 *
 * Exit codes: 0 when done, and then no stored value needs another key than ENCRYPTION_KEY; 1 when not; 2 when
 * it was called wrongly.
 */

const USAGE = [
  'npm run rotate-encryption-key                        seals every stored value with ENCRYPTION_KEY',
  'npm run rotate-encryption-key -- --new-key <file>    writes a new key into a file that does not exist yet',
];
const CONNECT_LIMIT_MS = 15_000;

async function main(words: readonly string[]): Promise<number> {
  const [option, file] = words;
  if (option === '--new-key' && file !== undefined && words.length === 2) {
    return makeKey(file);
  }
  if (words.length > 0) {
    complain(...USAGE);
    return 2;
  }
  return rotate();
}

function makeKey(file: string): number {
  const id = writeNewKey(file);
  say(
    `${file} holds a new key, with the id ${id}. Nothing uses it yet. Next:`,
    '  1. put it into ENCRYPTION_PREVIOUS_KEYS of every replica, and restart them one by one;',
    '  2. make it the ENCRYPTION_KEY of every replica, the old key in ENCRYPTION_PREVIOUS_KEYS, and restart them one by one;',
    '  3. run npm run rotate-encryption-key with those two variables;',
    '  4. take the old key out of ENCRYPTION_PREVIOUS_KEYS, and restart them one by one.',
    'docs/operations.md has the commands.',
  );
  return 0;
}

async function rotate(): Promise<number> {
  const { environment } = await loadEnvironment();
  const config = parseAppConfig(
    databaseEnvironment(environment, ['ENCRYPTION_KEY', 'ENCRYPTION_PREVIOUS_KEYS']),
    process.stderr.isTTY,
  );
  const { log, database } = config;
  assertExists(database);
  const options: Pick<NestApplicationOptions, 'logger' | 'abortOnError'> = {
    logger: new AppLogger({ ...log, level: 'error' }, process.stderr),
    abortOnError: false,
  };
  const context = await NestFactory.createApplicationContext(
    KeyRotationModule.forRoot(config),
    options,
  );
  try {
    await untilConnected(context);
    const report = await context.get(KeyRotationService).rotate();
    return tell(report, context.get(Keyring).currentKeyId);
  } finally {
    await context.close();
  }
}

async function untilConnected(context: INestApplicationContext): Promise<void> {
  const database = context.get(DatabaseService);
  const enough = new AbortController();
  const broken = new Promise<never>((_, reject) => {
    context.get(FatalErrors).onRaise(reject);
  });
  const limit = delay(CONNECT_LIMIT_MS, undefined, { signal: enough.signal }).then(() => {
    throw new Error(database.problem ?? 'the database did not answer');
  });
  try {
    await Promise.race([database.connected, broken, limit]);
  } finally {
    enough.abort();
    // It rejects once it is aborted, and nobody waits for it any more.
    await limit.catch(() => undefined);
  }
}

function tell({ values, resealed, left }: RotationReport, keyId: string): number {
  say(`${values} sealed values, ${resealed} of them sealed anew with the key ${keyId}.`);
  if (left.size === 0) {
    say(
      'No other key is needed for what is stored. When every replica runs with this ENCRYPTION_KEY,',
      'the others can go from ENCRYPTION_PREVIOUS_KEYS.',
    );
    return 0;
  }
  complain(
    'Some values are still sealed otherwise. Keep these keys, and see the log above for values that do not open:',
    ...[...left].map(([id, count]) => `  ${id}: ${count}`),
    'A replica that still runs with the old ENCRYPTION_KEY seals new values with it: restart it, then run this again.',
  );
  return 1;
}

runCommand(main);
