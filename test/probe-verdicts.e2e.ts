import { afterEach, describe, expect, it } from '@jest/globals';
import { FETCH_PATH, Pair, PROBE_PATH } from './support/pair.js';

/* What the answer to a probe says about the token: an account that may not read the IP list has a token all the same. */

const OTHER_PROBE_PATH = '/cgi-bin/get_api_domain_ip';

let pair: Pair;

afterEach(() => pair.close());

describe('legacy, after two fetches whose answers were lost', () => {
  it.each([48001, 48004, 61007])(
    'the token is handed out where WeChat answers the probe with %i',
    async (errcode) => {
      pair = await Pair.start({ mode: 'legacy' });
      const first = await pair.token();
      for (const path of [PROBE_PATH, OTHER_PROBE_PATH]) {
        await pair.wechat.fault({ path, kind: 'errcode', errcode, times: 'always' });
      }
      await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'reset_before', times: 'always' });
      await pair.later(4_800);
      await pair.later(21);
      expect(await pair.fetchCount()).toBe(3);
      const probes = await pair.probeCount();
      await pair.service.poll();
      await pair.wechat.untilCalls({ path: PROBE_PATH }, probes + 1);
      const { status, body } = await pair.service.read();
      expect([status, body.access_token]).toEqual([200, first]);
    },
  );
});

describe('a report of the current token', () => {
  it.each([
    [48001, 'still_valid', 0],
    [45009, 'still_valid', 1],
    [45011, 'still_valid', 1],
    [50002, 'unverified', 0],
    [-1, 'unverified', 0],
  ])(
    'where the probe is answered with %i: %s, after %i calls for the other list',
    async (errcode, outcome, others) => {
      pair = await Pair.start();
      await pair.wechat.fault({ path: PROBE_PATH, kind: 'errcode', errcode, times: 'always' });
      await pair.pass(6);
      const { body } = await pair.service.report({ access_token: await pair.token() });
      expect(body.outcome).toBe(outcome);
      expect(await pair.wechat.countCalls({ path: OTHER_PROBE_PATH })).toBe(others);
      expect(await pair.fetchCount()).toBe(1);
    },
  );
});
