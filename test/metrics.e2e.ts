import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { hashKey } from '../src/access/presented-key.js';
import { ClientDirectory, NO_GATEWAY_RULES } from '../src/access/client-directory.js';
import { MetricsListenerService } from '../src/metrics/metrics-listener.service.js';
import { ReplicaSyncScheduler } from '../src/database/replica-sync.scheduler.js';
import { CredentialStateScheduler } from '../src/wechat/credentials/credential-state.scheduler.js';
import { callThroughGateway } from './support/clients.js';
import { FETCH_PATH, Pair, PROBE_PATH } from './support/pair.js';
import { killProcesses, freePort, startProcess } from './support/process.js';
import { ADMIN_KEY, APP_ID, CLIENT_KEY, environmentFor } from './support/service.js';

const PREFIX = 'wechat_token_center_';
const TOKEN_ROUTE = '/v1/accounts/:app_id/access-token';

/** Values by series, such as `usable{app_id="wx…",kind="access_token"}`; labels sorted, the prefix left out. */
type Figures = ReadonlyMap<string, number>;

function parse(text: string): Figures {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [, name = '', labels = '', value = ''] =
          /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
        const sorted = [...labels.matchAll(/\w+="[^"]*"/g)].map(([label]) => label).sort();
        const series = sorted.length === 0 ? name : `${name}{${sorted.join(',')}}`;
        return [series.replace(PREFIX, ''), Number(value)];
      }),
  );
}

function series(name: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `${name}{${sorted.sort().join(',')}}`;
}

const token = (name: string, labels: Readonly<Record<string, string>> = {}): string =>
  series(name, { app_id: APP_ID, kind: 'access_token', ...labels });

async function scrape(): Promise<Figures> {
  const { status, body } = await pair.service.call<string>('GET', '/metrics', { key: CLIENT_KEY });
  expect(status).toBe(200);
  return parse(body);
}

/** What has changed from one scrape to the other, of the service's own counts and of figures by name. */
function moved(before: Figures, after: Figures, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    [...after]
      .filter(([key]) => names.some((name) => key === name || key.startsWith(`${name}{`)))
      .map(([key, value]) => [key, value - (before.get(key) ?? 0)] as const)
      .filter(([, difference]) => difference !== 0),
  );
}

const COUNTS = [
  'refresh_attempts_total',
  'refresh_claims_total',
  'refresh_duration_seconds_count',
  'reports_total',
  'credential_foreign_rotations_total',
  'credential_failures_in_a_row',
  'credential_ledger_used',
  'wechat_calls_total',
  'authentication_failures_total',
  'http_request_duration_seconds_count',
];

let pair: Pair;
afterEach(() => pair.close());

describe('/metrics', () => {
  it('tells a story of refresh, failure, report and recovery, figure by figure', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    pair.service.stopCron();
    const start = await scrape();

    // What the first fetch left behind.
    expect(start.get(token('credential_usable'))).toBe(1);
    expect(start.get(token('credential_version'))).toBe(1);
    expect(start.get(token('credential_state', { state: 'live' }))).toBe(1);
    expect(start.get(token('credential_state', { state: 'blocked' }))).toBe(0);
    expect(start.get(token('credential_ledger_limit'))).toBe(60);
    expect(start.get(token('credential_ledger_used'))).toBe(1);
    expect(start.get(token('refresh_claims_total', { result: 'won' }))).toBe(1);
    expect(start.get(token('refresh_claims_total', { result: 'lost' }))).toBe(0);
    const first = { cause: 'schedule', outcome: 'committed' };
    expect(start.get(token('refresh_attempts_total', first))).toBe(1);
    expect(start.get('database_up')).toBe(1);
    const obtained = start.get(token('credential_last_success_timestamp_seconds')) ?? 0;
    expect(start.get(token('credential_expiry_timestamp_seconds'))).toBeCloseTo(
      obtained + 7_200,
      3,
    );
    expect(start.get(token('credential_effective_expiry_timestamp_seconds'))).toBeCloseTo(
      obtained + 7_200,
      3,
    );

    // A refresh, and a read.
    await pair.later(4_801);
    const value = await pair.token();
    const refreshed = await scrape();
    expect(moved(start, refreshed, COUNTS)).toEqual({
      [token('refresh_attempts_total', first)]: 1,
      [token('refresh_claims_total', { result: 'won' })]: 1,
      [token('refresh_duration_seconds_count')]: 1,
      [series('wechat_calls_total', { path: FETCH_PATH.legacy, outcome: 'ok' })]: 1,
      ...requests('GET', TOKEN_ROUTE, '2xx'),
      ...requests('GET', '/metrics', '2xx'),
    });
    expect(refreshed.get(token('credential_version'))).toBe(2);

    // A refresh that fails: blocked, and served on.
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'errcode', errcode: 40125 });
    await pair.later(4_801);
    const failed = await scrape();
    expect(moved(refreshed, failed, COUNTS)).toEqual({
      [token('refresh_attempts_total', { cause: 'schedule', outcome: 'failed' })]: 1,
      [token('refresh_claims_total', { result: 'won' })]: 1,
      [token('refresh_duration_seconds_count')]: 1,
      [token('credential_failures_in_a_row')]: 1,
      [series('wechat_calls_total', { path: FETCH_PATH.legacy, outcome: 'operator' })]: 1,
      ...requests('GET', '/metrics', '2xx'),
    });
    expect(failed.get(token('credential_state', { state: 'blocked' }))).toBe(1);
    expect(failed.get(token('credential_state', { state: 'live' }))).toBe(0);
    expect(failed.get(token('credential_usable'))).toBe(1);
    expect(failed.get(token('credential_version'))).toBe(2);

    // Somebody else's fetch kills the token; it is reported, and an old one, and one by who may not.
    await pair.wechat.killToken(value);
    await pair.later(301);
    const recovered = await pair.service.report({ version: 2, errcode: 42001 }, '?wait=0');
    expect(recovered.body.outcome).toBe('superseded');
    await pair.wechat.killToken(recovered.body.access_token);
    await pair.pass(60);
    const replaced = await pair.service.report({ version: recovered.body.version }, '?wait=0');
    expect(replaced.body.outcome).toBe('refreshed');
    await pair.service.call('GET', `/v1/accounts/${APP_ID}/access-token`, { key: 'wtc_unknown' });
    await pair.service.call('GET', `/v1/accounts/wxffffffffffffffff/access-token`, {
      key: CLIENT_KEY,
    });
    await pair.service.call('GET', '/nowhere/at/all');
    const end = await scrape();
    expect(moved(failed, end, COUNTS)).toEqual({
      [token('refresh_attempts_total', first)]: 1,
      [token('refresh_attempts_total', { cause: 'report', outcome: 'committed' })]: 1,
      [token('refresh_claims_total', { result: 'won' })]: 2,
      [token('refresh_duration_seconds_count')]: 2,
      [token('credential_failures_in_a_row')]: -1,
      [token('credential_ledger_used')]: 2,
      [token('credential_foreign_rotations_total')]: 1,
      [series('reports_total', { app_id: APP_ID, outcome: 'superseded' })]: 1,
      [series('reports_total', { app_id: APP_ID, outcome: 'refreshed' })]: 1,
      [series('wechat_calls_total', { path: FETCH_PATH.legacy, outcome: 'ok' })]: 2,
      [series('wechat_calls_total', { path: PROBE_PATH, outcome: 'dead_credential' })]: 1,
      [series('authentication_failures_total', { reason: 'unknown_key' })]: 1,
      [series('authentication_failures_total', { reason: 'account' })]: 1,
      ...requests('POST', `${TOKEN_ROUTE}/report`, '2xx', 2),
      ...requests('GET', TOKEN_ROUTE, '4xx', 2),
      ...requests('GET', 'none', '4xx'),
      ...requests('GET', '/metrics', '2xx'),
    });
    expect(end.get(token('credential_state', { state: 'live' }))).toBe(1);
  });

  it('tells for how long the rows have not been read', async () => {
    pair = await Pair.start();
    // The loop ends; the test polls.
    await pair.service.app.get(ReplicaSyncScheduler).stop();
    await pair.service.poll();
    pair.service.advance(7_000);
    const age = (await scrape()).get('poll_age_seconds');
    expect(age).toBeGreaterThanOrEqual(7);
    expect(age).toBeLessThan(9);
    await pair.service.poll();
    const figures = await scrape();
    expect(figures.get('poll_age_seconds')).toBeLessThan(2);
    expect(figures.get('database_up')).toBe(1);
    expect(Math.abs(figures.get('database_clock_skew_seconds') ?? NaN)).toBeLessThan(2);
  });

  it('wants a key with metrics:read, and shows it the accounts that it may see', async () => {
    pair = await Pair.start();
    expect((await pair.service.call('GET', '/metrics')).status).toBe(401);
    const client = {
      scopes: new Set(['metrics:read'] as const),
      accounts: new Set(['wx00']),
      gateway: NO_GATEWAY_RULES,
    };
    pair.service.app.get(ClientDirectory).replaceStored(
      new Map([
        [hashKey('key-of-other-accounts'), { id: 'other', ...client }],
        [hashKey('key-without-scope'), { id: 'none', ...client, scopes: new Set([]) }],
      ]),
    );
    const refused = await pair.service.call('GET', '/metrics', { key: 'key-without-scope' });
    expect(refused.status).toBe(403);
    const { body, headers } = await pair.service.call<string>('GET', '/metrics', {
      key: 'key-of-other-accounts',
    });
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toContain('nodejs_eventloop_lag_seconds');
    expect(body).toContain(`${PREFIX}build_info{`);
    expect(body).not.toContain(APP_ID);
  });

  it('has a ticket while somebody asks for it, and none that was left to expire', async () => {
    pair = await Pair.start();
    const states = pair.service.app.get(CredentialStateScheduler);
    const usable = (figures: Figures): number | undefined =>
      figures.get(series('credential_usable', { app_id: APP_ID, kind: 'jsapi_ticket' }));
    const start = await scrape();
    expect(usable(start)).toBeUndefined();

    await pair.service.call('GET', `/v1/accounts/${APP_ID}/tickets/jsapi`, { key: CLIENT_KEY });
    // Who waits is answered before the attempt has ended.
    await pair.service.tick();
    states.tick();
    const asked = await scrape();
    expect(usable(asked)).toBe(1);
    expect(
      moved(start, asked, ['refresh_attempts_total', 'http_request_duration_seconds_count']),
    ).toEqual({
      [series('refresh_attempts_total', {
        app_id: APP_ID,
        kind: 'jsapi_ticket',
        cause: 'schedule',
        outcome: 'committed',
      })]: 1,
      ...requests('GET', '/v1/accounts/:app_id/tickets/:type', '2xx'),
      ...requests('GET', '/metrics', '2xx'),
    });

    await pair.later(25 * 3_600);
    states.tick();
    const left = await scrape();
    expect([...left.keys()].filter((key) => key.includes('jsapi_ticket'))).toEqual([]);
    expect(left.get(token('credential_usable'))).toBe(1);
    const changes = pair.service
      .events('state_change')
      .filter(({ kind, to }) => kind === 'jsapi_ticket' && to === 'expired');
    expect(changes.map(({ level }) => level)).toEqual(['info']);
  });

  it('sees what SDKs ask for and who is not let through, though errors are HTTP 200', async () => {
    pair = await Pair.start();
    const ask = (secret: string, appId = APP_ID): Promise<unknown> =>
      pair.service.call(
        'GET',
        `/cgi-bin/token?grant_type=client_credential&appid=${appId}&secret=${secret}`,
      );
    const expired = {
      id: 'expired',
      scopes: new Set([]),
      accounts: 'all',
      gateway: NO_GATEWAY_RULES,
      expiresAtMs: 1,
    } as const;
    pair.service.app
      .get(ClientDirectory)
      .replaceStored(new Map([[hashKey('key-that-has-expired'), expired]]));
    const before = await scrape();
    await ask(CLIENT_KEY);
    await ask('key-that-has-expired');
    await ask('');
    await ask('no-key-of-ours');
    await ask(ADMIN_KEY);
    await ask(CLIENT_KEY, 'wxffffffffffffffff');
    await pair.service.call('GET', '/cgi-bin/media/get');
    const refused = (reason: string): string => series('authentication_failures_total', { reason });
    expect(moved(before, await scrape(), COUNTS)).toEqual({
      [refused('no_key')]: 1,
      [refused('unknown_key')]: 1,
      [refused('expired_key')]: 1,
      [refused('key_of_another_kind')]: 1,
      [refused('account')]: 1,
      ...requests('GET', '/cgi-bin/token', '2xx', 6),
      ...requests('GET', 'none', '2xx'),
      ...requests('GET', '/metrics', '2xx'),
    });
  });

  it('grows by no path, method or key that somebody makes up', async () => {
    pair = await Pair.start();
    const knock = async (word: string): Promise<void> => {
      await pair.service.call('GET', `/${word}`);
      await pair.service.call('SEARCH', `/${word}`);
      await pair.service.call('GET', `/v1/accounts/${word}/access-token`, { key: word });
      await pair.service.call('GET', `/v1/accounts/${word}/ip-list`, { key: CLIENT_KEY });
    };
    await knock('first');
    const before = [...(await scrape()).keys()];
    await knock('second');
    const after = [...(await scrape()).keys()];
    // Node's own series appear when Node first has a value for them, such as another kind of garbage collection.
    const others = /^(?:nodejs|process)_|route="\/metrics"/;
    expect(after.filter((key) => !before.includes(key) && !others.test(key))).toEqual([]);
  });
});

function requests(
  method: string,
  route: string,
  statusClass: string,
  count = 1,
): Record<string, number> {
  const labels = { method, route, status_class: statusClass };
  return { [series('http_request_duration_seconds_count', labels)]: count };
}

describe('docs/metrics.md', () => {
  it('names every figure with its labels, and no other', async () => {
    pair = await Pair.start();
    await pair.service.report({ version: 1 });
    await callThroughGateway(pair.service);
    const { body } = await pair.service.call<string>('GET', '/metrics', { key: CLIENT_KEY });
    const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
      .map(([, name = '', type = '']) => [name, type] as const)
      .filter(([name]) => name.startsWith(PREFIX));
    const served = types.map(([name, type]) => `${name} ${type} ${labelsOf(body, name).join(' ')}`);
    const rows = readFileSync('docs/metrics.md', 'utf8').matchAll(
      /^\| `(wechat_token_center_\w+)` \| (\w+) \|([^|]*)\|/gm,
    );
    const documented = [...rows].map(([, name = '', type = '', labels = '']) => {
      const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label);
      return `${name} ${type} ${names.sort().join(' ')}`;
    });
    expect(documented.sort()).toEqual(served.sort());
  });
});

function labelsOf(text: string, name: string): string[] {
  const lines = text.split('\n').filter((line) => new RegExp(`^${name}(_bucket)?[{ ]`).test(line));
  const labels = lines.flatMap((line) => [...line.matchAll(/(\w+)="/g)].map(([, label]) => label));
  return [...new Set(labels)]
    .filter((label): label is string => label !== undefined && label !== 'le')
    .sort();
}

describe('the listener without a key', () => {
  beforeEach(async () => {
    pair = await Pair.start({ environment: { METRICS_PORT: '0' } });
  });

  const ask = (path: string, method = 'GET'): Promise<Response> => {
    const { port } = pair.service.app.get(MetricsListenerService);
    return fetch(`http://127.0.0.1:${port ?? 0}${path}`, { method });
  };

  it('answers /metrics and nothing else', async () => {
    const answer = await ask('/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(parse(await answer.text()).get(token('credential_usable'))).toBe(1);
    const head = await ask('/metrics', 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await ask('/metrics', 'POST')).status).toBe(405);
    expect((await ask('/v1/admin/accounts')).status).toBe(404);
    expect((await ask('/healthz')).status).toBe(404);
  });
});

describe('the process', () => {
  afterEach(killProcesses);

  it('exits 1, with the variable to change, when the port for metrics is taken', async () => {
    pair = await Pair.start();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const started = startProcess(environmentFor(pair.wechat, { METRICS_PORT: String(port) }));
    const { code, output } = await started.exited;
    expect(code).toBe(1);
    expect(output).toContain(
      `cannot listen on 127.0.0.1:${port}: another process listens there. Stop it, or choose another METRICS_PORT (EADDRINUSE)`,
    );
    other.close();
    expect(await pair.fetchCount()).toBe(1);
  });

  it('serves metrics on the port, and exits 0', async () => {
    pair = await Pair.start();
    const port = await freePort();
    const environment = environmentFor(pair.wechat, { METRICS_PORT: String(port) });
    const started = await startProcess(environment).ready();
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(parse(await answer.text()).get(token('credential_usable'))).toBe(1);
    started.signal('SIGINT');
    expect((await started.exited).code).toBe(0);
  });
});
