import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const PRIVATE = 0o600;
const FOR_OTHERS = 0o077;

/** A file that others could read or write. */
export interface WideFile {
  readonly file: string;
  /** As chmod takes it, such as `644`. */
  readonly mode: string;
  /** Why it could not be closed to them, such as `EPERM`; absent where it was. */
  readonly failure?: string;
}

/**
 * Makes the database file for its owner alone, before SQLite would make it for everybody. The write-ahead log
 * and its index get the mode of the database file when SQLite makes them. An existing file is left alone, and
 * not opened: closing it would end the locks that this process has on it.
 * @throws the system's error where the file or its folder cannot be made
 */
export function createPrivate(path: string): void {
  if (path === ':memory:') {
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  try {
    closeSync(openSync(path, 'wx', PRIVATE));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw error;
    }
  }
}

/** Takes from others what right they have to the files. @returns those that others had a right to */
export function narrowModes(path: string): WideFile[] {
  return path === ':memory:' ? [] : [path, `${path}-wal`, `${path}-shm`].flatMap(narrow);
}

function narrow(file: string): WideFile[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? PRIVATE;
  if ((mode & FOR_OTHERS) === 0) {
    return [];
  }
  const wide = { file, mode: (mode & 0o777).toString(8) };
  try {
    chmodSync(file, mode & ~FOR_OTHERS & 0o777);
    return [wide];
  } catch (error) {
    return [{ ...wide, failure: codeOf(error) }];
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : 'unknown';
}
