import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrivate, narrowModes } from './sqlite-files.js';

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);

describe('the files of SQLite', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wtc-files-'));
    path = join(folder, 'data', 'test.sqlite');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function write(file: string, mode: number): void {
    writeFileSync(file, 'content');
    chmodSync(file, mode);
  }

  it('are made with their folder, for their owner alone', () => {
    createPrivate(path);
    expect(modeOf(path)).toBe('600');
    expect(narrowModes(path)).toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('are closed to others where they were open to them, and keep their content', () => {
    createPrivate(path);
    write(path, 0o644);
    write(`${path}-wal`, 0o660);
    write(`${path}-shm`, 0o600);
    createPrivate(path);
    expect(modeOf(path)).toBe('644');
    expect(narrowModes(path)).toEqual([
      { file: path, mode: '644' },
      { file: `${path}-wal`, mode: '660' },
    ]);
    expect([path, `${path}-wal`, `${path}-shm`].map(modeOf)).toEqual(['600', '600', '600']);
    expect(readFileSync(path, 'utf8')).toBe('content');
    expect(narrowModes(path)).toEqual([]);
  });

  it('are none in memory', () => {
    createPrivate(':memory:');
    expect(narrowModes(':memory:')).toEqual([]);
  });

  it('cannot be made where a file has the place of the folder', () => {
    writeFileSync(join(folder, 'data'), '');
    expect(() => {
      createPrivate(path);
    }).toThrow(/EEXIST|ENOTDIR/);
  });
});
