import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { CLIENTS, type ClientBody } from './support/clients.js';
import { eventually } from './support/eventually.js';
import { freePort, killProcesses, startProcess } from './support/process.js';
import {
  ADMIN_KEY,
  APP_ID,
  CLIENT_KEY,
  ENCRYPTION_KEY,
  environmentFor,
  type Answer,
} from './support/service.js';
import { startSimulator, type NewFault, type Simulator } from './support/simulator.js';

/*
 * Whole lives of the service, with all that goes wrong in them; then everything that it wrote, stored or
 * answered is searched for its secrets, in every spelling in which they could hide.
 */

/** Of characters that base64, a URL and JSON each write otherwise. */
const APP_SECRET = 'canary+secret/of?the=app&"0123456789!"';
const OTHER_SECRET = 'canary+secret/of?another=app&"987654!"';

const TOKEN_PATH = { legacy: '/cgi-bin/token', stable: '/cgi-bin/stable_token' } as const;
const PROBE_PATH = '/cgi-bin/getcallbackip';
const API_LIST_PATH = '/cgi-bin/get_api_domain_ip';

let folder: string;
let file: string;
let wechat: Simulator;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wtc-canary-'));
  file = join(folder, 'test.sqlite');
  // Short lives make the floor between fetches short: 0.5 s and 0.2 s.
  wechat = await startSimulator({
    accounts: [{ appId: APP_ID, secret: APP_SECRET }],
    lifetimeSeconds: 120,
    stableWindowSeconds: 5,
  });
});
afterEach(async () => {
  await killProcesses();
  await wechat.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Spellings of a secret, none of which depends on what stands before or after it. */
function spellingsOf(secret: Buffer): [spelling: string, bytes: string | Buffer][] {
  const inText = secret.toString();
  const isText = Buffer.from(inText).equals(secret);
  return [
    ['in clear', secret],
    ['its first half', secret.subarray(0, secret.length / 2)],
    ['its last half', secret.subarray(secret.length / 2)],
    ['in hex', secret.toString('hex')],
    ...[0, 1, 2].flatMap((offset): [string, string][] => [
      [`in base64 at ${offset}`, base64At(secret, offset, 'base64')],
      [`in base64url at ${offset}`, base64At(secret, offset, 'base64url')],
    ]),
    ...(isText
      ? ([
          ['URL-encoded', encodeURIComponent(inText)],
          ['form-encoded', new URLSearchParams({ x: inText }).toString().slice(2)],
          ['in JSON', JSON.stringify(inText).slice(1, -1)],
        ] satisfies [string, string][])
      : []),
  ];
}

/** As it reads within a longer text that is base64: without the characters that neighbours have a part in. */
function base64At(secret: Buffer, offset: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(offset), secret]).toString(encoding);
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + secret.length) * 8) / 6));
}

/** `<secret> <spelling>, <place>` for each secret that stands somewhere. */
function findLeaks(
  secrets: Readonly<Record<string, string | Buffer>>,
  places: Readonly<Record<string, string | Buffer>>,
): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    spellingsOf(Buffer.from(secret)).flatMap(([spelling, bytes]) =>
      Object.entries(places)
        .filter(([, content]) => content.includes(bytes as string))
        .map(([place]) => `${name} ${spelling}, ${place}`),
    ),
  );
}

async function secretsOfTheStory(): Promise<Record<string, string | Buffer>> {
  const tokens = await wechat.tokens(APP_ID);
  return {
    'the AppSecret': APP_SECRET,
    'the other AppSecret': OTHER_SECRET,
    'the admin key': ADMIN_KEY,
    'the client key': CLIENT_KEY,
    'the encryption key': Buffer.from(ENCRYPTION_KEY, 'base64'),
    'the encryption key as it is configured': ENCRYPTION_KEY,
    ...Object.fromEntries(tokens.map((token, index) => [`token ${index}`, token.accessToken])),
  };
}

function databaseFiles(when: string): Record<string, Buffer> {
  const files = [file, `${file}-wal`, `${file}-shm`].filter((path) => existsSync(path));
  return Object.fromEntries(files.map((path) => [`${path} ${when}`, readFileSync(path)]));
}

interface Story {
  readonly mode: 'legacy' | 'stable';
  readonly what: string;
  /** What goes wrong when the token is probed; `token` is the one that the call carries. */
  readonly probe: (token: string) => Omit<NewFault, 'path'>;
  /** What goes wrong when one is fetched, and the code of the answer to the admin who asked for it. */
  readonly fetches: readonly (readonly [fault: object, code: string])[];
}

/** As it was sent. */
const SECRET_URL = `https://api.weixin.qq.com/cgi-bin/token?${new URLSearchParams({ secret: APP_SECRET }).toString()}`;

const stories: Story[] = [
  {
    mode: 'legacy',
    what: 'errors that quote what was sent',
    probe: (token) => ({ kind: 'errcode', errcode: 50002, errmsg: `no: access_token=${token}` }),
    fetches: [
      [{ kind: 'errcode', errcode: -1 }, 'wechat_error'],
      [{ kind: 'errcode', errcode: 45009, errmsg: `quota of ${APP_SECRET}` }, 'wechat_error'],
      [{ kind: 'errcode', errcode: 40013, errmsg: `refused: GET ${SECRET_URL}` }, 'wechat_error'],
      [{ kind: 'errcode', errcode: 40164, errmsg: `ip 192.0.2.1 ${APP_SECRET}` }, 'wechat_error'],
      [{ kind: 'status', status: 500, body: `<p>${SECRET_URL}</p>` }, 'wechat_error'],
      [{ kind: 'html', body: `<p>${APP_SECRET}</p>` }, 'wechat_error'],
      [{ kind: 'redirect', location: `/redirected?secret=${APP_SECRET}` }, 'wechat_error'],
    ],
  },
  {
    mode: 'legacy',
    what: 'answers that do not come, or not whole',
    probe: () => ({ kind: 'hang' }),
    fetches: [
      [{ kind: 'hang', afterEffect: true }, 'wechat_timeout'],
      [{ kind: 'reset_before' }, 'wechat_unreachable'],
      [{ kind: 'reset_after' }, 'wechat_unreachable'],
      [{ kind: 'truncated', contentLength: 'whole' }, 'wechat_error'],
      [{ kind: 'truncated', contentLength: 'cut' }, 'wechat_error'],
      [{ kind: 'oversized' }, 'wechat_error'],
      [{ kind: 'expires_in', value: 'soon' }, 'wechat_error'],
    ],
  },
  {
    mode: 'stable',
    what: 'a little of both',
    probe: (token) => ({ kind: 'html', body: `<p>${token}</p>` }),
    fetches: [
      [{ kind: 'errcode', errcode: 45011 }, 'wechat_error'],
      [{ kind: 'errcode', errcode: 40125, errmsg: `not ${APP_SECRET}` }, 'wechat_error'],
      [{ kind: 'status', status: 412 }, 'wechat_error'],
      [{ kind: 'hang' }, 'wechat_timeout'],
      [{ kind: 'reset_after' }, 'wechat_unreachable'],
      [{ kind: 'truncated', contentLength: 'cut' }, 'wechat_error'],
      [{ kind: 'oversized' }, 'wechat_error'],
    ],
  },
];

describe('no secret, key or token', () => {
  it.each(stories)(
    'is in any output, file or answer of a life in $mode mode with $what',
    async ({ mode, probe, fetches }) => {
      const path = TOKEN_PATH[mode];
      const metricsPort = await freePort();
      const service = await startProcess(
        environmentFor(wechat, {
          DATABASE_URL: `sqlite:${file}`,
          WECHAT_APP_SECRET: APP_SECRET,
          WECHAT_TOKEN_MODE: mode,
          WECHAT_TIMEOUT_MS: '400',
          LOG_LEVEL: 'trace',
          METRICS_PORT: String(metricsPort),
        }),
      ).ready();
      const answers: string[] = [];
      /** Every answer but those that are there to tell the token. */
      const keep = <Body>(answer: Answer<Body>): Answer<Body> => {
        answers.push(JSON.stringify([answer.status, [...answer.headers], answer.body]));
        return answer;
      };

      // It is read, doubted and found good.
      const { access_token: token, version } = (await service.read()).body;
      await wechat.fault({ path: PROBE_PATH, ...probe(token) } as NewFault);
      expect((await service.report({ access_token: token })).body.outcome).toBe('unverified');
      const ipList = `/v1/accounts/${APP_ID}/ip-list`;
      expect(keep(await service.call('GET', ipList, { key: CLIENT_KEY })).status).toBe(200);
      await wechat.fault({ path: API_LIST_PATH, ...probe(token) } as NewFault);
      const failed = await service.call('GET', `${ipList}?kind=api`, { key: CLIENT_KEY });
      expect(keep(failed).status).toBeGreaterThanOrEqual(502);

      // Its refresh fails in every way, and then succeeds.
      for (const [fault, code] of fetches) {
        // The schedule tries as well, and may meet it first, or still be at the one before.
        const { id } = await wechat.fault({ path, ...fault, times: 'always' } as NewFault);
        await eventually(async () => {
          expect([fault, keep(await service.adminRefresh()).body.code]).toEqual([fault, code]);
        });
        await wechat.clearFault(id);
        keep(await service.call('GET', `/v1/admin/accounts/${APP_ID}`, { key: ADMIN_KEY }));
      }
      await wechat.alterAccount(APP_ID, { secret: OTHER_SECRET });
      expect(keep(await service.adminRefresh()).body.upstream?.errcode).toBe(40125);
      await wechat.alterAccount(APP_ID, { secret: APP_SECRET });
      expect(keep(await service.adminRefresh()).status).toBe(200);

      // WeChat refuses it: it is reported and replaced. Another one is refused for good.
      const current = (await service.read()).body.access_token;
      await wechat.killToken(current);
      const report = await service.report({ access_token: current, errcode: 40001 });
      expect(report.body.outcome).toBe('refreshed');
      await wechat.killToken(report.body.access_token);
      await wechat.fault({ path, kind: 'errcode', errcode: 50007, times: 'always' });
      keep(await service.report({ access_token: report.body.access_token }));
      keep(await service.read('?wait=0'));
      await wechat.clearFaults();

      // Clients send secrets where they do not belong.
      const tokenPath = `/v1/accounts/${APP_ID}/access-token`;
      const key = CLIENT_KEY;
      keep(await service.call('GET', tokenPath, { key: token }));
      keep(await service.call('GET', tokenPath, { key: `${CLIENT_KEY}x` }));
      keep(await service.call('GET', tokenPath, { key, headers: { 'x-api-key': ADMIN_KEY } }));
      keep(await service.call('GET', `/v1/accounts/${token}/access-token`, { key }));
      keep(await service.call('GET', `${tokenPath}?wait=${token}`, { key }));
      for (const path of ['token', 'getcallbackip', 'nowhere', '%zz', token]) {
        const query = new URLSearchParams({ access_token: token, secret: CLIENT_KEY });
        keep(await service.call('GET', `/cgi-bin/${path}?${query.toString()}`));
        keep(await service.call('POST', `/cgi-bin/${path}?${query.toString()}`, { body: '{' }));
      }
      const grant = { grant_type: 'client_credential', appid: APP_ID };
      for (const secret of [`${CLIENT_KEY}x`, APP_SECRET, ADMIN_KEY, token]) {
        const query = new URLSearchParams({ ...grant, secret });
        keep(await service.call('GET', `/cgi-bin/token?${query.toString()}`));
        keep(await service.call('POST', '/cgi-bin/stable_token', { body: { ...grant, secret } }));
      }
      const held = new URLSearchParams({ access_token: current });
      keep(await service.call('GET', `/cgi-bin/getcallbackip?${held.toString()}`));
      keep(await service.call('DELETE', `${tokenPath}?access_token=${token}`, { key }));
      keep(await service.call('GET', `/v1/accounts/%zz${token}/access-token`, { key }));
      for (const body of [
        { access_token: token, version },
        { access_token: [token], errcode: CLIENT_KEY },
        { access_token: token, secret: APP_SECRET },
        `{"access_token": "${token}",`,
        `access_token=${token}`,
      ]) {
        keep(await service.call('POST', `${tokenPath}/report`, { key, body }));
      }
      // They are in no row of the audit, wherever in an admin's request they stood.
      const refreshOf = (appId: string): string =>
        `/v1/admin/accounts/${appId}/access-token/refresh`;
      const reason = `access_token=${token}&secret=${encodeURIComponent(APP_SECRET)}`;
      for (const appId of [token, APP_ID]) {
        const body = { reason, force: 'no' };
        keep(await service.call('POST', refreshOf(appId), { key: ADMIN_KEY, body }));
      }
      for (const list of ['audit', 'reads', `accounts/${APP_ID}/refreshes`]) {
        const answer = keep(await service.call('GET', `/v1/admin/${list}`, { key: ADMIN_KEY }));
        expect([list, answer.status]).toEqual([list, 200]);
        const garbled = `/v1/admin/${list}?cursor=${token}&app_id=${token}`;
        keep(await service.call('GET', garbled, { key: ADMIN_KEY }));
      }
      // Another client is made, uses its key, spoils it, and loses it.
      const asAdmin = { key: ADMIN_KEY };
      const { body: made } = await service.call<ClientBody>('POST', CLIENTS, {
        ...asAdmin,
        body: { id: 'canary', name: 'Canary', scopes: ['token:read'] },
      });
      // Good for a token, if there were one.
      const read = keep(await service.call('GET', `${tokenPath}?wait=0`, { key: made.key }));
      expect(read.status).toBe(503);
      keep(await service.call('POST', CLIENTS, { ...asAdmin, body: { id: made.key } }));
      keep(await service.call('POST', `${CLIENTS}/canary/keys`, { ...asAdmin, body: made.key }));
      keep(await service.call('PATCH', `${CLIENTS}/${made.key}`, { ...asAdmin, body: {} }));
      keep(await service.call('GET', `${CLIENTS}?cursor=${made.key}`, asAdmin));
      keep(await service.call('GET', tokenPath, { key: made.key.slice(0, -1) }));
      keep(await service.call('GET', `${tokenPath}/report`, { key: made.key }));
      keep(await service.call('GET', CLIENTS, asAdmin));
      keep(await service.call('DELETE', `${CLIENTS}/canary`, asAdmin));
      keep(await service.call('GET', tokenPath, { key: made.key }));
      for (const open of ['/healthz', '/readyz', '/openapi.json', '/nowhere']) {
        keep(await service.call('GET', open));
      }
      keep(await service.call('GET', '/v1/admin/accounts', { key: ADMIN_KEY }));
      const metrics = keep(await service.call('GET', '/metrics', { key }));
      expect(metrics.body).toContain(APP_ID);
      const unguarded = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      answers.push(JSON.stringify([...unguarded.headers]), await unguarded.text());

      // It is told to end while WeChat hangs.
      const during = databaseFiles('while it ran');
      await wechat.fault({ path, kind: 'hang' });
      const since = await wechat.lastSeq();
      const last = service.adminRefresh();
      await wechat.untilCalls({ path, since });
      const exit = await service.stop('SIGINT');
      expect(exit.code).toBe(0);
      expect(keep(await last).status).toBeGreaterThanOrEqual(500);

      const secrets = { ...(await secretsOfTheStory()), 'the key of a client': made.key };
      expect(Object.keys(secrets).length).toBeGreaterThanOrEqual(8);
      expect(Object.keys(during)).toHaveLength(3);
      expect(
        findLeaks(secrets, {
          'in its output': exit.output,
          'in an answer': answers.join('\n'),
          ...during,
          ...databaseFiles('after its end'),
        }),
      ).toEqual([]);
      // The search knows a token where it sees one: in the answer that is there to tell it.
      expect(findLeaks(secrets, { 'in the report': JSON.stringify(report.body) })).toContainEqual(
        expect.stringMatching(/^token \d+ in clear, in the report$/),
      );
    },
  );
});

describe('the search', () => {
  const secret = 'canary/+?=&"planted';
  const key = Buffer.from('00ff10ef20df30cf40bf50af609f708f', 'hex');

  it.each<[string, string | Buffer, string]>([
    ['in clear', `{"secret":${secret}}`, 'planted in clear, here'],
    ['cut off', 'the secret is canary/+?…', 'planted its first half, here'],
    [
      'URL-encoded',
      `/cgi-bin/token?secret=${encodeURIComponent(secret)}`,
      'planted URL-encoded, here',
    ],
    ['form-encoded', new URLSearchParams({ secret }).toString(), 'planted form-encoded, here'],
    ['in JSON', JSON.stringify({ secret }), 'planted in JSON, here'],
    ['in hex', Buffer.from(`x${secret}`).toString('hex'), 'planted in hex, here'],
    ['in base64', Buffer.from(`${secret}.`).toString('base64'), 'planted in base64 at 0, here'],
    [
      'in base64, later',
      Buffer.from(`x:${secret}`).toString('base64'),
      'planted in base64 at 2, here',
    ],
    [
      'in base64url',
      Buffer.from(`:${secret}?`).toString('base64url'),
      'planted in base64url at 1, here',
    ],
    ['as bytes', Buffer.concat([Buffer.alloc(7), key, Buffer.alloc(7)]), 'the key in clear, here'],
    ['as bytes in base64', key.toString('base64'), 'the key in base64 at 0, here'],
  ])('finds one that stands there %s', (_how, content, leak) => {
    expect(findLeaks({ planted: secret, 'the key': key }, { here: content })).toContain(leak);
  });

  it('finds none where there is none', () => {
    expect(findLeaks({ planted: secret, 'the key': key }, { here: 'canary plants' })).toEqual([]);
  });

  it('finds one in a database, before and after it leaves the write-ahead log', async () => {
    const database = await new DataSource({
      type: 'sqlite',
      database: file,
      enableWAL: true,
    }).initialize();
    await database.query('CREATE TABLE leak (text TEXT)');
    await database.query('INSERT INTO leak VALUES (?)', [secret]);
    const during = findLeaks({ planted: secret }, databaseFiles('while it ran'));
    await database.destroy();
    const after = findLeaks({ planted: secret }, databaseFiles('after its end'));
    expect(during).toContain(`planted in clear, ${file}-wal while it ran`);
    expect(after).toContain(`planted in clear, ${file} after its end`);
  });
});
