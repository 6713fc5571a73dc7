import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Environment } from '../../src/config/environment.js';

const MAIN = resolve('dist/cli/main.js');

export interface CliRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `node dist/cli/main.js` with these variables and no others, in a folder of its own, to its end. */
export async function runCli(
  words: readonly string[],
  { environment, cwd, input = '' }: { environment: Environment; cwd: string; input?: string },
): Promise<CliRun> {
  const child = spawn(process.execPath, [MAIN, ...words], { cwd, env: { ...environment } });
  const closed = once(child, 'close');
  // A command that wants no input may have ended before it could be given any (EPIPE).
  child.stdin.on('error', () => undefined).end(input);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await closed) as [number | null];
  return { code, out, err };
}
