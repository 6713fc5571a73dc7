import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Commands in the documents are pasted into a terminal, of bash, dash or zsh. An interactive zsh takes `#` for a
 * word, so that a comment becomes arguments, and an apostrophe in it swallows the lines that follow.
 */

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true })
    .map((path) => join('docs', String(path)))
    .filter((path) => path.endsWith('.md')),
];
/** zsh is not on every machine; `.ci/run` installs it. */
const SHELLS = ['sh', 'dash', 'bash', 'zsh'].filter(
  (shell) => spawnSync(shell, ['-c', ':']).status === 0,
);

interface Block {
  readonly place: string;
  readonly code: string;
}

const blocks = DOCUMENTS.flatMap((document): Block[] =>
  [...readFileSync(document, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
    ([, code = ''], index) => ({ place: `${document}, block ${index + 1}`, code }),
  ),
);

/** Without what stands in quotes, where every character is allowed. */
function unquoted(code: string): string {
  return code.replace(/'[^']*'|"(?:\\.|[^"\\])*"/g, 'QUOTED');
}

function linesWith(pattern: RegExp): string[] {
  return blocks.flatMap(({ place, code }) =>
    unquoted(code)
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => `${place}: ${line}`),
  );
}

describe('the commands of the documents', () => {
  it('are found', () => {
    expect(blocks.length).toBeGreaterThan(30);
    expect(SHELLS).toContain('sh');
  });

  it.each(SHELLS)('are read by %s', (shell) => {
    const refused = blocks.flatMap(({ place, code }) => {
      const { status, stderr } = spawnSync(shell, ['-n'], { input: code, encoding: 'utf8' });
      return status === 0 ? [] : [`${place}: ${stderr}`];
    });
    expect(refused).toEqual([]);
  });

  it('have no comments, neither on a line of their own nor after a command', () => {
    expect(linesWith(/(?:^|\s)#/)).toEqual([]);
  });

  it('quote what is to be filled in, which the shell would take for a redirection', () => {
    expect(linesWith(/<\w/)).toEqual([]);
  });

  it('quote patterns: zsh refuses one that matches no file', () => {
    expect(linesWith(/\S*:\/\/\S*[?*[]/)).toEqual([]);
  });

  it('change the umask in a subshell only: what is built later must be readable', () => {
    expect(linesWith(/^umask|[;&]\s*umask/)).toEqual([]);
  });

  it('install before they build or run, where they are the first steps of a newcomer', () => {
    for (const document of ['README.md', 'docs/cli.md']) {
      const [first] = blocks.filter(({ place }) => place.startsWith(`${document},`));
      expect(first?.code).toMatch(/^npm ci\b/);
    }
    const [account = ''] = blocks
      .filter(({ place, code }) => place.startsWith('README.md,') && code.includes(' init'))
      .map(({ code }) => code);
    expect(account).toBe('npm ci\nnpm run build\nnpx wechat-token-center init\nnpm start\n');
  });
});
