import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { overlap, startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import {
  APP_ID,
  OTHER_APP_ID,
  OTHER_SECRET,
  SECRET,
  WechatCaller,
  rawRequest,
} from './wechat-caller.js';

const TOKEN = '/cgi-bin/token';
const STABLE = '/cgi-bin/stable_token';

let wechat: Simulator;
let caller: WechatCaller;

beforeAll(async () => {
  wechat = await startSimulator({
    accounts: [
      { appId: APP_ID, secret: SECRET },
      { appId: OTHER_APP_ID, secret: OTHER_SECRET },
    ],
  });
  caller = new WechatCaller(wechat.url);
});

beforeEach(() => wechat.reset());

afterAll(() => wechat.close());

function tagOf(token: unknown): string {
  return createHash('sha256').update(String(token)).digest('hex').slice(0, 12);
}

describe('an entry of the journal', () => {
  it('tells all about a fetch', async () => {
    const before = await wechat.lastSeq();
    const { access_token: token } = await caller.fetchLegacy();
    const [entry] = await wechat.journal({ since: before });

    expect(entry).toEqual({
      seq: before + 1,
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      endedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      startOrder: expect.any(Number),
      endOrder: expect.any(Number),
      method: 'GET',
      path: TOKEN,
      rawQuery: `grant_type=client_credential&appid=${APP_ID}&secret=[${tagOf(SECRET)}]`,
      queryKeys: ['appid', 'grant_type', 'secret'],
      headers: expect.objectContaining({ host: new URL(wechat.url).host }),
      bodyBytes: 0,
      bodySha256: null,
      callerIp: '127.0.0.1',
      appId: APP_ID,
      foreign: false,
      outcome: 'answered',
      status: 200,
      errcode: 0,
      fault: null,
      forced: false,
      tokenTag: null,
      issued: { tag: tagOf(token), family: 'legacy', number: 1, minted: true },
    });
  });

  it('tells a stable fetch that mints from one that does not, and a forced one', async () => {
    await caller.fetchStable();
    await caller.fetchStable();
    await caller.force();

    expect(await wechat.journal({ path: STABLE })).toMatchObject([
      { appId: APP_ID, forced: false, issued: { family: 'stable', number: 1, minted: true } },
      { appId: APP_ID, forced: false, issued: { family: 'stable', number: 1, minted: false } },
      { appId: APP_ID, forced: true, issued: { family: 'stable', number: 2, minted: true } },
    ]);
  });

  it('names the token that an ordinary call brought, and its account', async () => {
    const { access_token: token } = await caller.fetchLegacy();
    await caller.errcodeWith(token);

    expect(await wechat.journal({ path: '/cgi-bin/getcallbackip' })).toMatchObject([
      { appId: APP_ID, tokenTag: tagOf(token), issued: null, errcode: 0 },
    ]);
  });

  it('has the errcode of a refusal', async () => {
    await caller.fetchLegacy({ secret: 'wrong' });
    await caller.errcodeWith('nonsense');

    expect((await wechat.journal()).map(({ errcode }) => errcode)).toEqual([40125, 40014]);
  });

  it('stands in WeChat’s time', async () => {
    await wechat.advance(86_400_000);
    await caller.fetchLegacy();
    const [entry] = await wechat.journal();

    expect(Date.parse(entry?.startedAt ?? '') - Date.now()).toBeGreaterThan(86_300_000);
  });

  it('never holds a secret or a token in clear, not even one in the wrong place', async () => {
    const { access_token: token } = await caller.fetchLegacy();
    await caller.errcodeWith(token);
    await caller.fetchStable();
    await caller.fetchLegacy({ appid: SECRET });
    await caller.fetchStable({ appid: SECRET });
    await wechat.fault({ path: TOKEN, kind: 'reset_after' });
    await expect(rawRequest(caller.tokenUrl())).rejects.toThrow();
    await wechat.mintAsForeigner(APP_ID);

    const journal = await (await fetch(`${wechat.url}/__simulator/journal`)).text();
    const state = await (await fetch(`${wechat.url}/__simulator/state`)).text();
    const tokens = (await wechat.tokens(APP_ID)).map(({ accessToken }) => accessToken);
    expect(tokens).toHaveLength(4);
    for (const secret of [SECRET, OTHER_SECRET, ...tokens]) {
      expect(journal).not.toContain(secret);
      expect(state).not.toContain(secret);
    }
  });
});

describe('overlapping calls', () => {
  it('show by their orders, even within a millisecond', async () => {
    await wechat.fault({ path: TOKEN, kind: 'delay', delayMs: 1_000 });
    const slow = caller.fetchLegacy();
    await wechat.untilCalls({ path: TOKEN });
    await caller.fetchLegacy();
    await slow;
    await caller.fetchLegacy();

    const [first, second, third] = await wechat.journal({ path: TOKEN });
    expect(overlap(first!, second!)).toBe(true);
    expect(overlap(second!, first!)).toBe(true);
    expect(overlap(second!, third!)).toBe(false);
    expect(overlap(first!, third!)).toBe(false);
    expect(second!.endOrder).toBeLessThan(first!.endOrder!);
  });
});

describe('the filters', () => {
  it('answer how many fetches there were since an entry', async () => {
    await caller.fetchLegacy();
    const since = await wechat.lastSeq();
    await caller.fetchLegacy();
    await caller.fetchStable();
    await caller.fetchStable();

    expect(await wechat.countCalls({ since })).toBe(3);
    expect(await wechat.countCalls({ since, path: TOKEN })).toBe(1);
    expect(await wechat.countCalls({ since, minted: true })).toBe(2);
    expect(await wechat.countCalls({ since, path: STABLE, minted: false })).toBe(1);
  });

  it('pick by account, errcode, outcome and token', async () => {
    const other = new WechatCaller(wechat.url, OTHER_APP_ID, OTHER_SECRET);
    const { access_token: token } = await caller.fetchLegacy();
    await other.fetchLegacy();
    await other.fetchLegacy({ secret: 'wrong' });
    await caller.errcodeWith(token);

    expect(await wechat.countCalls({ appId: OTHER_APP_ID })).toBe(2);
    expect(await wechat.countCalls({ errcode: 40125 })).toBe(1);
    expect(await wechat.countCalls({ outcome: 'answered' })).toBe(4);
    expect(await wechat.countCalls({ tag: tagOf(token) })).toBe(2);
  });

  it('tell a foreign party’s mint from a call', async () => {
    await caller.fetchLegacy();
    await wechat.mintAsForeigner(APP_ID);
    await wechat.mintAsForeigner(APP_ID, 'stable');

    expect(await wechat.countCalls({ foreign: false })).toBe(1);
    expect(await wechat.journal({ foreign: true })).toMatchObject([
      { path: TOKEN, appId: APP_ID, issued: { family: 'legacy', number: 2, minted: true } },
      { path: STABLE, appId: APP_ID, issued: { family: 'stable', number: 1, minted: true } },
    ]);
  });

  it('page with since and limit', async () => {
    for (let call = 0; call < 3; call += 1) {
      await caller.fetchLegacy();
    }
    const url = `${wechat.url}/__simulator/journal?limit=2`;
    const page = (await (await fetch(url)).json()) as { entries: unknown[]; count: number };

    expect(page.entries).toHaveLength(2);
    expect(page.count).toBe(3);
  });

  it('refuse what they do not know', async () => {
    const response = await fetch(`${wechat.url}/__simulator/journal?appid=x&limit=-1`);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      errors: [
        { path: 'limit' },
        {
          message:
            'unknown field "appid"; known are since, path, app_id, errcode, outcome, minted, foreign, tag, limit, at_least, wait_ms',
        },
      ],
    });
  });
});

describe('waiting for calls', () => {
  it('ends as soon as so many fit', async () => {
    const waiting = wechat.untilCalls({ path: TOKEN, outcome: 'answered' }, 2);
    await caller.fetchLegacy();
    await caller.fetchLegacy();

    expect(await waiting).toHaveLength(2);
  });

  it('gives up after its time and tells how many came', async () => {
    await caller.fetchLegacy();

    await expect(wechat.untilCalls({ path: TOKEN }, 2, 30)).rejects.toThrow(
      '1 of 2 calls came within 30 ms',
    );
  });

  it('ends when the simulator closes', async () => {
    const another = await startSimulator();
    const waiting = another.untilCalls({}, 1, 60_000);
    const failed = expect(waiting).rejects.toThrow();
    await another.settings();

    await another.close();
    await failed;
  }, 5_000);
});

describe('the bound of the journal', () => {
  it('drops the oldest entries and says how many', async () => {
    await wechat.changeSettings({ journalLimit: 3 });
    const dropped = (await wechat.state()).journal.dropped;
    for (let call = 0; call < 5; call += 1) {
      await caller.fetchLegacy();
    }

    expect((await wechat.journal()).map(({ issued }) => issued?.number)).toEqual([3, 4, 5]);
    expect((await wechat.state()).journal).toMatchObject({ entries: 3, dropped: dropped + 2 });
  });

  it('can be cleared, and goes on counting', async () => {
    await caller.fetchLegacy();
    const lastSeq = await wechat.lastSeq();
    await wechat.clearJournal();

    expect(await wechat.journal()).toEqual([]);
    await caller.fetchLegacy();
    expect(await wechat.lastSeq()).toBe(lastSeq + 1);
  });

  it('is 100,000 entries by default', async () => {
    expect((await wechat.settings()).journalLimit).toBe(100_000);
  });
});
