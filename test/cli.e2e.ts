import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Environment } from '../src/config/environment.js';
import { parseAppConfig } from '../src/config/parse-app-config.js';
import { runCli, type CliRun } from './support/cli.js';
import { freePort, killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import { ADMIN_KEY, APP_ID, APP_SECRET, CLIENT_KEY, environmentFor } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* The built command line against a real process of the service. */

const UNKNOWN_APP_ID = 'wxffffffffffffffff';

let folder: string;
let wechat: Simulator;
let service: ServiceProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wtc-cli-'));
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startProcess(environmentFor(wechat), { cwd: folder }).ready();
});
afterAll(async () => {
  await killProcesses();
  await wechat.close();
  rmSync(folder, { recursive: true, force: true });
});

/** With the keys of the service, unless others are given. */
function cli(
  line: string,
  { environment = {}, input = '' }: { environment?: Environment; input?: string } = {},
): Promise<CliRun> {
  return runCli(line.split(' '), {
    environment: {
      WECHAT_TOKEN_CENTER_URL: service.url,
      ADMIN_API_KEY: ADMIN_KEY,
      CLIENT_API_KEY: CLIENT_KEY,
      ...environment,
    },
    cwd: folder,
    input,
  });
}

function fileWith(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

it('is built as the program that package.json names, so that npx can run it', () => {
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    bin: Record<string, string>;
  };
  const path = bin['wechat-token-center'] ?? '';
  expect(() => {
    accessSync(path, constants.X_OK);
  }).not.toThrow();
  expect(readFileSync(path, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});

describe('init', () => {
  let empty: string;
  const init = (): Promise<CliRun> => runCli(['init'], { environment: {}, cwd: empty });
  const written = (): string => readFileSync(join(empty, '.env'), 'utf8');

  beforeEach(() => {
    empty = mkdtempSync(join(folder, 'init-'));
  });

  it('writes a .env that the service starts with, readable by its owner alone', async () => {
    expect(await init()).toMatchObject({ code: 0, err: '' });
    const lines = parseEnv(written());
    expect(Object.keys(lines)).toEqual(['ADMIN_API_KEY', 'CLIENT_API_KEY', 'ENCRYPTION_KEY']);
    expect(parseAppConfig(lines).keys.admin).toBe(lines.ADMIN_API_KEY);
    expect(statSync(join(empty, '.env')).mode & 0o777).toBe(0o600);
  });

  it('makes other keys in another folder, and prints none', async () => {
    const { out } = await init();
    const first = parseEnv(written());
    empty = mkdtempSync(join(folder, 'init-'));
    await init();
    const second = parseEnv(written());
    for (const name of ['ADMIN_API_KEY', 'CLIENT_API_KEY', 'ENCRYPTION_KEY']) {
      expect(second[name]).not.toBe(first[name]);
      expect(out).not.toContain(first[name]);
    }
  });

  it('keeps the keys when it runs again, and ends with 0', async () => {
    await init();
    const before = written();
    expect(await init()).toEqual({
      code: 0,
      out: '.env exists. Its keys are kept; nothing was written.\n',
      err: '',
    });
    expect(written()).toBe(before);
  });

  it('leaves a .env without keys as it is, says what is missing, and ends with 2', async () => {
    const before = 'ADMIN_API_KEY_FILE=/run/secrets/admin\nENCRYPTION_KEY=\n';
    writeFileSync(join(empty, '.env'), before);
    const { code, out, err } = await init();
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^\.env exists and has no ENCRYPTION_KEY\. Nothing was written\./);
    expect(written()).toBe(before);
  });

  it('does not write through a link', async () => {
    symlinkSync(join(empty, 'elsewhere'), join(empty, '.env'));
    expect((await init()).code).toBe(2);
    expect(existsSync(join(empty, 'elsewhere'))).toBe(false);
  });
});

describe('accounts', () => {
  it('list shows columns, and the service’s own JSON to scripts', async () => {
    const { code, out } = await cli('accounts list');
    expect(code).toBe(0);
    const [head = '', row = ''] = out.split('\n');
    expect(head.split(/ {2,}/).slice(0, 6)).toEqual([
      'APPID',
      'NAME',
      'MODE',
      'ENABLED',
      'STATE',
      'VERSION',
    ]);
    expect(row.split(/ {2,}/).slice(0, 5)).toEqual([APP_ID, '-', 'stable', 'true', 'live']);
    expect(row.indexOf('stable')).toBe(head.indexOf('MODE'));
    const json = JSON.parse((await cli('accounts list --json')).out) as { items: object[] };
    expect(json).toMatchObject({ items: [{ app_id: APP_ID }], next_cursor: null });
  });

  it('show has every field on a line of its own', async () => {
    const { code, out } = await cli(`accounts show ${APP_ID}`);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^app_id: +${APP_ID}$`, 'm'));
    expect(out).toMatch(/^access_token\.state: +live$/m);
  });
});

describe('token', () => {
  it('show tells of the token, and itself only with --reveal', async () => {
    const { body } = await service.read();
    const shown = await cli(`token show --account ${APP_ID}`);
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^expires_in: +\d+$/m);
    expect(shown.out).not.toContain(body.access_token);
    const json = await cli(`token show --account ${APP_ID} --json`);
    expect(JSON.parse(json.out)).not.toHaveProperty('access_token');
    const revealed = await cli(`token show --account ${APP_ID} --json --reveal`);
    expect(JSON.parse(revealed.out)).toMatchObject({ access_token: body.access_token });
  });

  it('refresh asks WeChat, and --force rotates', async () => {
    const { code, out } = await cli(`token refresh --account ${APP_ID} --reason look`);
    expect(code).toBe(0);
    expect(out).toMatch(/^rotated: +false$/m);
    const forced = await cli(`token refresh --account ${APP_ID} --force --json`);
    expect(JSON.parse(forced.out)).toMatchObject({ app_id: APP_ID, rotated: true });
    const again = await cli(`token refresh --account ${APP_ID} --force`);
    expect(again.code).toBe(1);
    expect(again.err).toContain('The service refused (429 force_refresh_limited)');
    expect(again.err).toMatch(/Try again in \d+ s\./);
  });
});

describe('what was done', () => {
  interface Page {
    readonly items: object[];
    readonly next_cursor: string;
  }

  it('stands in refreshes and audit', async () => {
    await cli(`token refresh --account ${APP_ID} --reason look`);
    const refreshes = await cli(`refreshes --account ${APP_ID}`);
    expect(refreshes.out).toMatch(/^\S+Z +access_token +admin +unchanged /m);
    const audit = await cli(`audit --account ${APP_ID} --action token.refresh`);
    expect(audit.out).toMatch(/^\S+Z +admin +token\.refresh +wx0123456789abcdef +\S+ +ok /m);
    expect((await cli('audit --outcome refused')).out).not.toMatch(/ ok /);
    expect((await cli('audit --outcome lost')).err).toContain('query.outcome');
  });

  it('comes in pages', async () => {
    const first = JSON.parse((await cli('audit --limit 1 --json')).out) as Page;
    expect(first.items).toHaveLength(1);
    const line = `audit --limit 1 --cursor ${first.next_cursor} --json`;
    const next = JSON.parse((await cli(line)).out) as Page;
    expect(next.items).not.toEqual(first.items);
    expect((await cli('audit --limit 1')).out).toContain('There are more');
  });
});

describe('what ends with another code than 0', () => {
  it('1: the service refused, in its own words', async () => {
    const { code, out, err } = await cli(`accounts show ${UNKNOWN_APP_ID}`);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('The service refused (404 account_not_found): There is no account');
  });

  it('1: a key that is no good', async () => {
    const environment = { ADMIN_API_KEY: 'another-key-0123456789' };
    const { code, err } = await cli('accounts list', { environment });
    expect(code).toBe(1);
    expect(err).toContain('401 unauthenticated');
    expect(err).not.toContain('another-key');
  });

  it.each([
    ['no command', '--json'],
    ['an unknown command', 'account list'],
    ['an unknown option', 'accounts list --all'],
    ['a missing argument', 'accounts show'],
    ['a missing option', 'token show'],
    ['a number that is none', `token refresh --account ${APP_ID} --wait soon`],
    ['a removal that is not confirmed', `accounts remove ${APP_ID}`],
    ['a token without its life', `accounts add ${APP_ID} --access-token-file x`],
    ['nothing to alter', `accounts update ${APP_ID}`],
    ['two that exclude each other', `accounts update ${APP_ID} --enable --disable`],
    ['a client without a scope', 'clients add shop'],
    ['an address that is none', 'accounts list --url tokens'],
    ['an address with a password', 'accounts list --url http://u:p@127.0.0.1'],
    ['plain http to another machine', 'accounts list --url http://192.0.2.1:3000'],
  ])('2: %s', async (_what, line) => {
    const { code, out, err } = await cli(line);
    expect([code, out]).toEqual([2, '']);
    expect(err).not.toBe('');
  });

  it.each([
    ['no key', {}, 'ADMIN_API_KEY is not set'],
    ['a key twice', { ADMIN_API_KEY: 'a', ADMIN_API_KEY_FILE: 'b' }, 'Keep one of the two'],
    ['a file that is not there', { ADMIN_API_KEY_FILE: 'lost' }, 'ADMIN_API_KEY_FILE names cannot'],
    ['a key with a blank', { ADMIN_API_KEY: 'a b' }, 'holds a blank'],
  ])('2: %s', async (_what, environment, words) => {
    const run = await cli('accounts list', { environment: { ADMIN_API_KEY: '', ...environment } });
    expect(run.code).toBe(2);
    expect(run.err).toContain(words);
  });

  it('2: no AppSecret on standard input, or in an empty file', async () => {
    const line = `accounts add ${UNKNOWN_APP_ID}`;
    expect(await cli(line)).toMatchObject({ code: 2, err: expect.stringContaining('AppSecret') });
    const empty = fileWith('empty', '\n');
    const run = await cli(`${line} --app-secret-file ${empty}`);
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining('is empty') });
  });

  it('3: nobody answers, or something else does', async () => {
    const nobody = await cli(`accounts list --url http://127.0.0.1:${await freePort()}`);
    expect(nobody.code).toBe(3);
    expect(nobody.err).toContain('ECONNREFUSED');
    const other = await cli(`accounts list --url ${wechat.url}`);
    expect(other.code).toBe(3);
    expect(other.err).toContain('no WeChat Token Center');
  });
});

describe('the keys', () => {
  it('come from files, and from .env below the variables of the process', async () => {
    const file = fileWith('admin-key', `${ADMIN_KEY}\n`);
    const fromFile = { ADMIN_API_KEY: '', ADMIN_API_KEY_FILE: file };
    expect((await cli('accounts list', { environment: fromFile })).code).toBe(0);
    const dotEnv = fileWith('.env', `ADMIN_API_KEY=${ADMIN_KEY}\n`);
    expect((await cli('accounts list', { environment: { ADMIN_API_KEY: '' } })).code).toBe(0);
    const wrong = { ADMIN_API_KEY: 'another-key-0123456789' };
    expect((await cli('accounts list', { environment: wrong })).code).toBe(1);
    rmSync(dotEnv);
  });
});
