import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { FETCH_PATH, Pair, PROBE_PATH } from './support/pair.js';
import { send } from './support/send.js';
import { APP_ID, CLIENT_KEY } from './support/service.js';

/* Values as people and WeChat really write them: blanks around them, numbers as text, null for nothing. */

const CALLBACK_PATH = PROBE_PATH;
const TICKET_PATH = '/cgi-bin/ticket/getticket';
const OTHER_TOKEN = `97_${'y'.repeat(133)}`;

let pair: Pair;

/** WeChat answers once, or always, with this text in place of its own. */
function answersWith(body: string, path: string, times: number | 'always' = 1): Promise<unknown> {
  return pair.wechat.fault({ path, kind: 'status', status: 200, body, times });
}

describe('a token in WeChat’s answer', () => {
  afterEach(() => pair.close());

  it.each([
    ['with a line break at its end', `"${OTHER_TOKEN}\\n"`, '7200'],
    ['with blanks around it', `" ${OTHER_TOKEN}\\t "`, '7200'],
    ['with its life as text', `"${OTHER_TOKEN}"`, '"7200"'],
  ])('%s is handed out without them', async (_what, token, life) => {
    pair = await Pair.start({ mode: 'legacy' });
    await answersWith(`{"access_token":${token},"expires_in":${life}}`, FETCH_PATH.legacy);
    await pair.later(4_800);
    const { body } = await pair.service.read();
    expect([body.access_token, body.expires_in]).toEqual([OTHER_TOKEN, 7_199]);
  });

  it.each([
    ['with a line break in its middle', `"97_${'y'.repeat(60)}\\n${'y'.repeat(60)}"`],
    ['with a blank in its middle', `"97_${'y'.repeat(60)} ${'y'.repeat(60)}"`],
    ['of line breaks alone', '"\\r\\n"'],
    ['that is a list', `["${OTHER_TOKEN}"]`],
  ])('%s is no token: the old one stays, in doubt', async (_what, token) => {
    pair = await Pair.start({ mode: 'legacy' });
    const first = await pair.token();
    await answersWith(`{"access_token":${token},"expires_in":7200}`, FETCH_PATH.legacy);
    await pair.later(4_800);
    const { body } = await pair.service.read();
    expect(body.access_token).toBe(first);
    expect(body.expires_in).toBeLessThanOrEqual(270);
    expect((await pair.service.state()).last_error).toMatchObject({
      code: 'wechat_error',
      errmsg: expect.stringMatching(/^the answer has no usable value/),
    });
  });
});

describe('with one service', () => {
  beforeAll(async () => {
    pair = await Pair.start();
  });
  afterAll(() => pair.close());
  afterEach(() => pair.wechat.clearFaults());

  const ticket = (): Promise<{ status: number; body: { ticket?: string } }> =>
    pair.service.call('GET', `/v1/accounts/${APP_ID}/tickets/jsapi`, { key: CLIENT_KEY });

  it('a ticket with a line break at its end, and its life as text, is handed out without it', async () => {
    await answersWith(
      '{"errcode":"0","errmsg":"ok","ticket":"ticket-abc\\r\\n","expires_in":"7200"}',
      TICKET_PATH,
    );
    const { status, body } = await ticket();
    expect([status, body.ticket]).toEqual([200, 'ticket-abc']);
  });

  it('an IP list keeps its addresses whatever stands between them, and one line says what was dropped', async () => {
    const list =
      '{"ip_list":[" 101.226.103.0/25","106.55.206.146\\n",null,"","  ",7,["10.0.0.1"],"not an address","106.55.206.146"]}';
    await answersWith(list, CALLBACK_PATH, 'always');
    const { status, body } = await pair.service.call<{ ip_list: string[] }>(
      'GET',
      `/v1/accounts/${APP_ID}/ip-list`,
      { key: CLIENT_KEY },
    );
    expect([status, body.ip_list]).toEqual([200, ['101.226.103.0/25', '106.55.206.146']]);
    expect(pair.service.events('ip_entries_dropped')).toMatchObject([
      { dropped: 6, first: ['null', '', '', '7', '["10.0.0.1"]'] },
    ]);
  });

  it.each(['[]', '[null]', '[" "]', 'null', '"101.226.103.0"'])(
    'an IP list %s holds no address: it is not taken for one',
    async (list) => {
      await answersWith(`{"ip_list":${list}}`, '/cgi-bin/get_api_domain_ip', 'always');
      const path = `/v1/accounts/${APP_ID}/ip-list?kind=api`;
      const { status, body } = await pair.service.call<{ code: string }>('GET', path, {
        key: CLIENT_KEY,
      });
      expect([status, body.code]).toEqual([502, 'wechat_error']);
    },
  );

  it.each([
    ['errcode as text', { errcode: '40001' }],
    ['errcode as text with a sign', { errcode: ' -1 ' }],
    ['errcode null', { errcode: null }],
    ['version null', { errcode: 40001, version: null }],
  ])('a report with %s is taken', async (_what, fields) => {
    const token = await pair.token();
    const { status, body } = await pair.service.report({ access_token: ` ${token}\n`, ...fields });
    expect([status, body.outcome, body.access_token]).toEqual([200, 'still_valid', token]);
  });

  it('a report of a version as text is taken, with the token null', async () => {
    const { version } = (await pair.service.read()).body;
    const reported = { access_token: null, version: String(version) };
    const { status, body } = await pair.service.report(reported);
    expect([status, body.outcome]).toEqual([200, 'still_valid']);
  });

  it.each([
    ['errcode', '40001x'],
    ['errcode', ''],
    ['errcode', true],
    ['errcode', 1.5],
    ['errcode', [40001]],
    ['version', '0'],
    ['version', '1e3'],
  ])('a report whose %s is %j is refused', async (field, value) => {
    const token = field === 'version' ? {} : { access_token: await pair.token() };
    const { status, body } = await pair.service.report({ ...token, [field]: value });
    expect([status, body.errors?.map(({ path }) => path)]).toEqual([400, [`body.${field}`]]);
  });

  const stable = async (fields: object): Promise<{ errcode?: number; access_token?: string }> => {
    const grant = { grant_type: 'client_credential', appid: APP_ID, secret: CLIENT_KEY, ...fields };
    const answer = await send(pair.service.url, 'POST', '/cgi-bin/stable_token', {
      body: JSON.stringify(grant),
    });
    return JSON.parse(answer.text) as { errcode?: number; access_token?: string };
  };

  it.each([false, 'false', 'False', 0, '0', '', null])(
    'force_refresh %j forces nothing: WeChat is not asked',
    async (value) => {
      await pair.pass(31);
      await stable({});
      const probes = await pair.probeCount();
      expect((await stable({ force_refresh: value })).access_token).toBe(await pair.token());
      expect(await pair.probeCount()).toBe(probes);
    },
  );

  it.each([true, 'true', ' TRUE', 1, '1'])(
    'force_refresh %j has the token tried',
    async (value) => {
      await pair.pass(31);
      const probes = await pair.probeCount();
      expect((await stable({ force_refresh: value })).access_token).toBe(await pair.token());
      expect(await pair.probeCount()).toBe(probes + 1);
    },
  );

  it.each(['yes', 2, [], {}, [true]])('force_refresh %j is none: 47001', async (value) => {
    expect((await stable({ force_refresh: value })).errcode).toBe(47001);
  });

  it('blanks around AppID, key and grant, as they are pasted, do not count', async () => {
    const fields = {
      grant_type: 'client_credential ',
      appid: ` ${APP_ID}`,
      secret: `${CLIENT_KEY}\n`,
    };
    const token = await pair.token();
    expect((await stable(fields)).access_token).toBe(token);
    const query = new URLSearchParams(fields).toString();
    const byQuery = await send(pair.service.url, 'GET', `/cgi-bin/token?${query}`);
    expect(byQuery.text).toContain(token);
    const held = new URLSearchParams({ access_token: `${token}\r\n` }).toString();
    const list = await send(pair.service.url, 'GET', `/cgi-bin/getcallbackip?${held}`);
    expect(list.text).toContain('ip_list');
  });

  it.each([
    [{ appid: null }, 41002],
    [{ secret: null }, 41004],
    [{ grant_type: null }, 40002],
  ])('%j is like a field left out: %i', async (fields, errcode) => {
    expect((await stable(fields)).errcode).toBe(errcode);
  });
});
