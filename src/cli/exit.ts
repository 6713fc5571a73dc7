/** What the process ends with: scripts may go by it. */
export const EXIT = {
  done: 0,
  /** The service understood, and refused. */
  refused: 1,
  /** Called wrongly: nothing was sent. */
  usage: 2,
  /** No service answers at the address; whether a change was made is not known. */
  unreachable: 3,
} as const;

/** Ends the command with an exit code and words on standard error. */
export class CliError extends Error {
  override readonly name: string = 'CliError';

  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}

export class UsageError extends CliError {
  constructor(message: string) {
    super(EXIT.usage, message);
  }
}

/** Node's fetch says "fetch failed", and why in the cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error.cause !== undefined) {
    return reasonOf(error.cause);
  }
  // An attempt at several addresses has no message of its own.
  return error.message !== '' || !('code' in error) ? error.message : String(error.code);
}
