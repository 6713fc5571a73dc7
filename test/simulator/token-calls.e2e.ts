import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import { APP_ID, SECRET, WechatCaller } from './wechat-caller.js';

const SEND = '/cgi-bin/message/custom/send';

let wechat: Simulator;
let caller: WechatCaller;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: SECRET }] });
  caller = new WechatCaller(wechat.url);
});

beforeEach(() => wechat.reset());

afterAll(() => wechat.close());

async function liveToken(): Promise<string> {
  return String((await caller.fetchLegacy()).access_token);
}

describe('a call that wants a live token', () => {
  it.each([
    ['GET', '/cgi-bin/getcallbackip'],
    ['GET', '/cgi-bin/get_api_domain_ip'],
    ['GET', '/cgi-bin/ticket/getticket'],
    ['POST', SEND],
  ])('%s %s tells what is wrong with the token', async (method, path) => {
    const token = await liveToken();
    const errcodeOf = async (query: string): Promise<unknown> => {
      const body = method === 'POST' ? '{}' : undefined;
      const response = await fetch(`${wechat.url}${path}${query}`, { method, body });
      expect(response.status).toBe(200);
      const answer = (await response.json()) as { errcode?: number };
      return answer.errcode ?? 0;
    };
    const unknownToken = `97_${'x'.repeat(133)}`;

    expect(await errcodeOf('')).toBe(41001);
    expect(await errcodeOf('?access_token=')).toBe(41001);
    expect(await errcodeOf('?access_token=nonsense')).toBe(40014);
    expect(await errcodeOf(`?access_token=${unknownToken}`)).toBe(40001);
    expect(await errcodeOf(`?access_token=${token}&type=jsapi`)).toBe(0);
    await wechat.advance(7_200_000);
    expect(await errcodeOf(`?access_token=${token}&type=jsapi`)).toBe(42001);
  });

  it('takes tokens of both families', async () => {
    const { access_token: stable } = await caller.fetchStable();

    expect(await caller.errcodeWith(await liveToken())).toBe(0);
    expect(await caller.errcodeWith(stable)).toBe(0);
  });

  it('words a dead token as WeChat does', async () => {
    const token = await liveToken();
    await wechat.killToken(token);
    const answer = await caller.getJson('/cgi-bin/getcallbackip', { access_token: token });

    expect(answer.errcode).toBe(40001);
    expect(answer.errmsg).toMatch(
      /^invalid credential, access_token is invalid or not latest rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/,
    );
  });

  it('wants the right method', async () => {
    const token = await liveToken();

    expect((await caller.getJson(SEND, { access_token: token })).errcode).toBe(43002);
    const answer = await caller.postJson(`/cgi-bin/getcallbackip?access_token=${token}`, {});
    expect(answer.errcode).toBe(43001);
  });
});

describe('the IP lists', () => {
  it.each(['/cgi-bin/getcallbackip', '/cgi-bin/get_api_domain_ip'])(
    '%s has CIDR, plain addresses and duplicates, and no errcode',
    async (path) => {
      const answer = await caller.getJson(path, { access_token: await liveToken() });
      const list = answer.ip_list as string[];

      expect(Object.keys(answer)).toEqual(['ip_list']);
      expect(list.some((entry) => /^[\d.]+\/\d+$/.test(entry))).toBe(true);
      expect(list.some((entry) => /^[\d.]+$/.test(entry))).toBe(true);
      expect(new Set(list).size).toBeLessThan(list.length);
    },
  );

  it('are settings', async () => {
    await wechat.changeSettings({
      callbackIpList: ['203.0.113.0/24'],
      apiDomainIpList: ['198.51.100.7'],
    });
    const query = { access_token: await liveToken() };

    expect(await caller.getJson('/cgi-bin/getcallbackip', query)).toEqual({
      ip_list: ['203.0.113.0/24'],
    });
    expect(await caller.getJson('/cgi-bin/get_api_domain_ip', query)).toEqual({
      ip_list: ['198.51.100.7'],
    });
  });
});

describe('GET /cgi-bin/ticket/getticket', () => {
  async function ticket(type: string): Promise<unknown> {
    const query = { access_token: await liveToken(), type };
    const answer = await caller.getJson('/cgi-bin/ticket/getticket', query);
    expect(answer).toMatchObject({ errcode: 0, errmsg: 'ok', expires_in: 7200 });
    return answer.ticket;
  }

  it('returns the same ticket in its window, always with 7200 s, then another', async () => {
    const first = await ticket('jsapi');
    expect(first).toMatch(/^[A-Za-z0-9_-]{86}$/);

    await wechat.advance(7_199_000);
    expect(await ticket('jsapi')).toBe(first);
    await wechat.advance(1_000);
    expect(await ticket('jsapi')).not.toBe(first);
  });

  it('keeps the types apart', async () => {
    expect(await ticket('wx_card')).not.toBe(await ticket('jsapi'));
    expect((await wechat.tickets(APP_ID)).map(({ type }) => type)).toEqual(['wx_card', 'jsapi']);
  });

  it('keeps the ticket when the token rotates', async () => {
    // `ticket` fetches a new token each time.
    const first = await ticket('jsapi');

    expect(await ticket('jsapi')).toBe(first);
    expect(await ticket('jsapi')).toBe(first);
  });

  it('has a lifetime that is a setting', async () => {
    await wechat.changeSettings({ ticketLifetimeSeconds: 9 });
    const query = { access_token: await liveToken(), type: 'jsapi' };
    const first = await caller.getJson('/cgi-bin/ticket/getticket', query);

    expect(first.expires_in).toBe(9);
    await wechat.advance(9_000);
    const second = await caller.getJson('/cgi-bin/ticket/getticket', query);
    expect(second.ticket).not.toBe(first.ticket);
  });

  it.each<Record<string, string>>([{ type: 'other' }, {}])(
    'refuses the type of %j',
    async (query) => {
      const answer = await caller.getJson('/cgi-bin/ticket/getticket', {
        access_token: await liveToken(),
        ...query,
      });

      expect(answer.errcode).toBe(40097);
    },
  );
});

describe('POST /cgi-bin/message/custom/send', () => {
  it.each([
    ['a message', '{"touser":"OPENID","msgtype":"text","text":{"content":"hi"}}', 0],
    ['nothing', '', 44002],
    ['broken JSON', '{"touser":', 47001],
  ])('answers %s', async (_, body, errcode) => {
    const answer = await caller.postJson(`${SEND}?access_token=${await liveToken()}`, body);

    expect(answer.errcode).toBe(errcode);
  });

  it('answers success with errcode 0 and ok', async () => {
    const answer = await caller.postJson(`${SEND}?access_token=${await liveToken()}`, {});

    expect(answer).toEqual({ errcode: 0, errmsg: 'ok' });
  });
});
