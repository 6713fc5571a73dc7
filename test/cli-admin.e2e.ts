import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli, type CliRun } from './support/cli.js';
import { killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import { ADMIN_KEY, APP_ID, APP_SECRET, CLIENT_KEY, environmentFor } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* What the command line changes at a real process of the service. */

const OTHER_ID = 'wx0000000000000001';
const OTHER_SECRET = 'canary-other-secret-0123456789abcd';

let folder: string;
let wechat: Simulator;
let service: ServiceProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wtc-cli-'));
  wechat = await startSimulator({
    accounts: [
      { appId: APP_ID, secret: APP_SECRET },
      { appId: OTHER_ID, secret: OTHER_SECRET },
    ],
  });
  service = await startProcess(environmentFor(wechat), { cwd: folder }).ready();
});
afterAll(async () => {
  await killProcesses();
  await wechat.close();
  rmSync(folder, { recursive: true, force: true });
});

/** @param line words with blanks between them, or a list where an argument holds blanks */
function cli(
  line: string | readonly string[],
  input = '',
  clientKey = CLIENT_KEY,
): Promise<CliRun> {
  return runCli(typeof line === 'string' ? line.split(' ') : line, {
    environment: {
      WECHAT_TOKEN_CENTER_URL: service.url,
      ADMIN_API_KEY: ADMIN_KEY,
      CLIENT_API_KEY: clientKey,
    },
    cwd: folder,
    input,
  });
}

async function json<Answer>(line: string, input = ''): Promise<Answer> {
  const { code, out, err } = await cli(`${line} --json`, input);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as Answer;
}

describe('accounts', () => {
  it('are added with the AppSecret from standard input, altered, and removed', async () => {
    const added = await cli(`accounts add ${OTHER_ID} --name 商城`, `\uFEFF ${OTHER_SECRET} \r\n`);
    expect(added).toMatchObject({ code: 0, err: '' });
    expect(added.out).toMatch(/^name: +商城$/m);
    expect(added.out).not.toContain(OTHER_SECRET);
    expect((await cli(`token show --account ${OTHER_ID}`)).code).toBe(0);

    const twice = await cli(`accounts add ${OTHER_ID}`, OTHER_SECRET);
    expect([twice.code, twice.out]).toEqual([1, '']);
    expect(twice.err).toContain('409 account_exists');

    const disabled = await json(`accounts update ${OTHER_ID} --disable --name shop`);
    expect(disabled).toMatchObject({ app_id: OTHER_ID, enabled: false, name: 'shop' });
    expect((await cli(`token show --account ${OTHER_ID}`)).err).toContain('403 forbidden');

    const path = join(folder, 'secret');
    writeFileSync(path, `${OTHER_SECRET}\n`, { mode: 0o600 });
    const line = `accounts update ${OTHER_ID} --enable --app-secret-file ${path}`;
    expect(await json(line)).toMatchObject({ enabled: true, name: 'shop' });

    expect((await cli(`accounts remove ${OTHER_ID} --yes`)).code).toBe(0);
    expect((await cli(`accounts show ${OTHER_ID}`)).err).toContain('404 account_not_found');
  });

  it('have the hosts whose pages are signed named, altered and set free', async () => {
    const hosts = '--jssdk-hosts shop.cn,*.mall.cn --jssdk-hosts a.cn';
    expect(await json(`accounts add ${OTHER_ID} ${hosts}`, OTHER_SECRET)).toMatchObject({
      jssdk_hosts: ['shop.cn', '*.mall.cn', 'a.cn'],
    });
    const update = `accounts update ${OTHER_ID}`;
    const altered = await json(`${update} --jssdk-hosts b.cn`);
    expect(altered).toMatchObject({ jssdk_hosts: ['b.cn'] });
    expect(await json(`${update} --name shop`)).toMatchObject({ jssdk_hosts: ['b.cn'] });

    const wrong = await cli(`${update} --jssdk-hosts b.cn,https://c.cn`);
    expect([wrong.code, wrong.out]).toEqual([1, '']);
    expect(wrong.err).toContain('body.jssdk_hosts.1');
    // What a script has in an empty variable must not open the account to every page.
    const empty = await cli(`${update} --jssdk-hosts `);
    expect([empty.code, empty.out]).toEqual([2, '']);
    expect(empty.err).toContain('any');
    expect(await json(`accounts show ${OTHER_ID}`)).toMatchObject({ jssdk_hosts: ['b.cn'] });

    expect(await json(`${update} --jssdk-hosts any`)).toMatchObject({ jssdk_hosts: [] });
    await cli(`accounts remove ${OTHER_ID} --yes`);
  });

  it('take a live token over', async () => {
    const path = join(folder, 'token');
    const { accessToken } = await wechat.mintAsForeigner(OTHER_ID, 'legacy');
    writeFileSync(path, `${accessToken}\n`, { mode: 0o600 });
    const line = `accounts add ${OTHER_ID} --mode legacy --access-token-file ${path} --expires-in 3000`;
    expect(await json(line, OTHER_SECRET)).toMatchObject({ access_token: { state: 'live' } });
    const shown = await json(`token show --account ${OTHER_ID} --reveal`);
    expect(shown).toMatchObject({ access_token: accessToken });
    await cli(`accounts remove ${OTHER_ID} --yes`);
  });

  it('a wrong one is refused with the path of each problem', async () => {
    const { code, err } = await cli('accounts add shop --mode newest', 'secret');
    expect(code).toBe(1);
    expect(err).toContain('body.app_id');
    expect(err).toContain('body.mode');
    expect(err).not.toContain('secret');
  });
});

describe('clients and keys', () => {
  interface WithKey {
    readonly id: string;
    readonly key: string;
  }

  it('are made, rotated and removed', async () => {
    const made = await json<WithKey>(`clients add shop --scope token:read --account ${APP_ID}`);
    expect(made).toMatchObject({ id: 'shop', scopes: ['token:read'], accounts: [APP_ID] });
    const read = `token show --account ${APP_ID}`;
    expect((await cli(read, '', made.key)).code).toBe(0);

    const second = await json<WithKey>('keys add shop');
    expect((await cli(read, '', second.key)).code).toBe(0);
    expect((await cli(`keys revoke shop ${second.id}`)).code).toBe(0);
    expect((await cli(read, '', second.key)).err).toContain('401 unauthenticated');
    expect((await cli(read, '', made.key)).code).toBe(0);

    const line = 'clients update shop --scope token:read,ip:read --account all --expires-at never';
    expect(await json(line)).toMatchObject({
      scopes: ['token:read', 'ip:read'],
      accounts: 'all',
      expires_at: null,
    });
    expect((await cli('clients list')).out).toMatch(/^shop +shop +token:read,ip:read +all /m);
    expect((await cli('clients show shop')).out).not.toContain(made.key);

    expect((await cli('clients remove shop --yes')).code).toBe(0);
    expect((await cli(read, '', made.key)).err).toContain('401 unauthenticated');
  });

  it('are given the rules of the gateway, have them replaced whole, and lose them', async () => {
    const rules = ['--allow', 'POST /cgi-bin/menu/*', '--allow', '@drafts-and-media,GET /wxa/a'];
    const add = ['clients', 'add', 'agent', '--scope', 'gateway', ...rules, '--per-minute', '30'];
    const allow = ['POST /cgi-bin/menu/*', '@drafts-and-media', 'GET /wxa/a'];
    expect(JSON.parse((await cli([...add, '--json'])).out)).toMatchObject({
      gateway: { allow, per_minute: 30 },
    });
    expect((await cli('clients list')).out).toMatch(
      /^agent +agent +gateway +all +POST \/cgi-bin\/menu\/\*,@drafts-and-media,GET \/wxa\/a /m,
    );
    expect((await cli('clients show agent')).out).toMatch(/^gateway\.per_minute: +30$/m);

    const replaced = await json('clients update agent --allow @everything-but-secrets');
    expect(replaced).toMatchObject({
      gateway: { allow: ['@everything-but-secrets'], per_minute: 30 },
    });
    expect(await json('clients update agent --allow none --per-minute 600')).toMatchObject({
      gateway: { allow: [], per_minute: 600 },
    });

    const wrong = await cli(['clients', 'update', 'agent', '--allow', 'draft/add']);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('body.gateway.allow.0');
    expect((await cli('clients update agent --per-minute 0')).code).toBe(2);
    await cli('clients remove agent --yes');
  });

  it('an id and a name may be left out', async () => {
    const { id } = await json<WithKey>('clients add --scope token:read');
    expect(await json(`clients show ${id}`)).toMatchObject({ id, name: 'unnamed' });
  });
});
