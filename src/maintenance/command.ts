/** Runs a command of one process with its arguments. What it throws is told in words, without a stack. */
export function runCommand(main: (words: readonly string[]) => Promise<number>): void {
  main(process.argv.slice(2))
    .then((code) => {
      process.exitCode = code;
    })
    .catch((error: unknown) => {
      complain(error instanceof Error ? error.message : String(error));
      process.exitCode = 1;
    });
}

export function say(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

export function complain(...lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
}
