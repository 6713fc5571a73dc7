import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './support/cli.js';
import { killProcesses, startProcess } from './support/process.js';
import { ENCRYPTION_KEY } from './support/service.js';

/* A .env whose values are cut, by the service and by the command line. */

const KEY = 'Hq3vZk8TnWd0LxBf#Rm2cYp9UsJ5eGv4a';
const folders: string[] = [];

function folderWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'dot-env-'));
  folders.push(folder);
  writeFileSync(join(folder, '.env'), text);
  return folder;
}

afterEach(async () => {
  await killProcesses();
  for (const folder of folders.splice(0)) {
    rmSync(folder, { recursive: true });
  }
});

it('the service does not start, and names each variable beside other problems, never a value', async () => {
  const cwd = folderWith(
    `ADMIN_API_KEY=${KEY}\nCLIENT_API_KEY="${KEY}\nENCRYPTION_KEY=${ENCRYPTION_KEY} # a comment\nPORT=x\n`,
  );
  const { code, output } = await startProcess({}, { cwd }).exited;
  expect(code).toBe(1);
  for (const line of [
    'ADMIN_API_KEY: its value in .env ends at a #.',
    'CLIENT_API_KEY: its value in .env ends at a #.',
    'CLIENT_API_KEY: begins with a quotation mark',
    'PORT: is not a whole number',
  ]) {
    expect(output).toContain(line);
  }
  expect(output).not.toContain('ENCRYPTION_KEY:');
  expect(output).not.toContain('Hq3vZk8T');
});

describe('the command line', () => {
  const list = (cwd: string, environment = {}): ReturnType<typeof runCli> =>
    runCli(['accounts', 'list'], { cwd, environment });

  it('says the same and sends no key', async () => {
    const { code, err } = await list(folderWith(`ADMIN_API_KEY=${KEY}\n`));
    expect([code, err]).toEqual([
      2,
      'ADMIN_API_KEY: its value in .env ends at a #. Put the value in single quotes; if a comment begins there, put a blank before the #.\n',
    ]);
  });

  it('goes by quotes, by comments and by variables of the process', async () => {
    const url = 'WECHAT_TOKEN_CENTER_URL=http://127.0.0.1:1';
    for (const line of [`ADMIN_API_KEY='${KEY}'#x`, 'ADMIN_API_KEY=Hq3vZk8TnWd0LxBf # x']) {
      const { code, err } = await list(folderWith(`\uFEFF${line}\n${url}\n`));
      expect([code, err]).toEqual([3, expect.stringContaining('No answer from')]);
    }
    const hidden = await list(folderWith(`ADMIN_API_KEY=${KEY}\n${url}\n`), {
      ADMIN_API_KEY: 'Hq3vZk8TnWd0LxBf',
    });
    expect([hidden.code, hidden.err]).toEqual([3, expect.stringContaining('No answer from')]);
  });
});
