import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { readSecretFile } from './environment.js';
import { UsageError } from './exit.js';

/**
 * A secret from a file, or from standard input: typed at a terminal without being shown, or piped. Never
 * from the arguments, which every user of the machine can list and the shell remembers.
 * @param option the name of the option that names the file
 * @throws UsageError when there is none
 */
export async function readSecret(
  what: string,
  file: string | undefined,
  option: string,
): Promise<string> {
  if (file !== undefined) {
    return readSecretFile(file, option);
  }
  const given = process.stdin.isTTY ? await ask(what) : await text(process.stdin);
  // Pasted or piped, with blanks, line ends or a byte order mark around it: no secret of WeChat's begins or ends with one.
  const secret = given.trim();
  if (secret === '') {
    throw new UsageError(`${what} is missing. Give it on standard input, or in a file: ${option}.`);
  }
  return secret;
}

async function ask(what: string): Promise<string> {
  process.stderr.write(`${what} (not shown): `);
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  const aborted = new AbortController();
  // Ctrl-C at the prompt ends the command as it would anywhere else.
  prompt.once('SIGINT', () => {
    aborted.abort();
  });
  try {
    return await prompt.question('', { signal: aborted.signal });
  } catch (error) {
    if (aborted.signal.aborted) {
      throw new UsageError('Interrupted.');
    }
    throw error;
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}
