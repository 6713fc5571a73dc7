import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GUARDS, mutate } from './mutation.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wtc-mutation-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ENGINE = 'wechat/credentials';

/** A built engine with these texts in it. */
function built(texts: readonly string[]): { dist: string; out: string } {
  const dist = join(folder, 'built');
  const out = join(folder, 'out');
  mkdirSync(join(dist, ENGINE), { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  mkdirSync(out);
  writeFileSync(join(folder, 'package.json'), '{}');
  texts.forEach((text, index) => {
    writeFileSync(join(dist, ENGINE, `${index}.js`), text);
  });
  return { dist, out };
}

const FENCE = "return ['fence = :fence AND owner = :owner', {}];";

describe('a mutated service', () => {
  it.each(GUARDS)('is the built one without the %s', (guard) => {
    const copy = mutate('dist', guard, folder);
    const names = readdirSync(join('dist', ENGINE));
    const isChanged = (name: string): boolean =>
      readFileSync(join(copy, ENGINE, name), 'utf8') !==
      readFileSync(join('dist', ENGINE, name), 'utf8');
    expect(names.filter(isChanged).length).toBeGreaterThan(0);
  });

  it('has the text of the guard replaced, and nothing else', () => {
    const { dist, out } = built([FENCE, 'const other = 1;']);
    const copy = mutate(dist, 'fence', out);
    expect(readFileSync(join(copy, ENGINE, '0.js'), 'utf8')).toBe("return ['1 = 1', {}];");
    expect(readFileSync(join(copy, ENGINE, '1.js'), 'utf8')).toBe('const other = 1;');
  });

  it.each([
    ['is not there', ['// rewritten']],
    ['is there twice', [FENCE, FENCE]],
  ])('is refused where the text of the guard %s', (_, texts) => {
    const { dist, out } = built(texts);
    expect(() => mutate(dist, 'fence', out)).toThrow(/the guard has moved: .* not once/);
  });
});
