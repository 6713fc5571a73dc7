import { describe, expect, it } from '@jest/globals';
import {
  type CallKind,
  type FailureClass,
  type TokenVerdict,
  classify,
  errcodeTable,
} from './errcode-table.js';

const HOUR_MS = 3_600_000;

describe('classify', () => {
  it.each<[number, CallKind, FailureClass, number | undefined]>([
    [-1, 'fetch', 'transient', undefined],
    [-1, 'api', 'transient', undefined],
    [40001, 'fetch', 'operator', undefined],
    [40001, 'api', 'dead_credential', undefined],
    [40002, 'fetch', 'operator', undefined],
    [40013, 'fetch', 'operator', undefined],
    [40013, 'api', 'operator', undefined],
    [40014, 'fetch', 'operator', undefined],
    [40014, 'api', 'dead_credential', undefined],
    [40125, 'fetch', 'operator', undefined],
    [40164, 'fetch', 'operator', undefined],
    [40164, 'api', 'operator', undefined],
    [40243, 'fetch', 'operator', undefined],
    [41001, 'api', 'operator', undefined],
    [41002, 'fetch', 'operator', undefined],
    [41004, 'fetch', 'operator', undefined],
    [42001, 'fetch', 'operator', undefined],
    [42001, 'api', 'dead_credential', undefined],
    [43001, 'api', 'operator', undefined],
    [43002, 'fetch', 'operator', undefined],
    [43003, 'fetch', 'operator', undefined],
    [44002, 'fetch', 'operator', undefined],
    [45009, 'fetch', 'throttled', HOUR_MS],
    [45009, 'api', 'throttled', HOUR_MS],
    [45011, 'fetch', 'throttled', 60_000],
    [45035, 'api', 'operator', undefined],
    [47001, 'fetch', 'operator', undefined],
    [48001, 'api', 'operator', undefined],
    [48004, 'api', 'operator', undefined],
    [48017, 'api', 'operator', undefined],
    [50002, 'fetch', 'operator', undefined],
    [50004, 'fetch', 'operator', undefined],
    [50007, 'fetch', 'operator', undefined],
    [61004, 'api', 'operator', undefined],
    [61007, 'api', 'operator', undefined],
    [61024, 'fetch', 'operator', undefined],
    [89501, 'fetch', 'operator', undefined],
    [89503, 'fetch', 'operator', undefined],
    [89506, 'fetch', 'operator', 24 * HOUR_MS],
    [89507, 'fetch', 'operator', HOUR_MS],
  ])('%i on a call of kind %s is %s', (errcode, call, failureClass, retryAfterMs) => {
    expect(classify(errcode, call)).toMatchObject({ failureClass, retryAfterMs });
  });

  it('leaves an errcode that is not listed to the operator, and names it', () => {
    expect(classify(99999, 'api')).toEqual({
      failureClass: 'operator',
      advice:
        "WeChat answered with errcode 99999, which this service does not know. Look it up in WeChat's list of return codes (全局返回码).",
      retryAfterMs: undefined,
      tokenIs: 'unknown',
    });
  });

  it.each([
    [
      'invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 6aac-01bf-7976',
      '203.0.113.7',
    ],
    ['invalid ip 203.0.113.7.', '203.0.113.7'],
    ['invalid ip ::ffff:203.0.113.7, not in whitelist', '203.0.113.7'],
    ['invalid ip 2001:db8::7, not in whitelist', '2001:db8::7'],
    [
      'invalid ip 8.149.XXX.108, not in whitelist rid: 6aac005a-01bfdbee',
      'the outgoing address of this service',
    ],
    ['', 'the outgoing address of this service'],
  ])('40164 with %j tells to allow %s', (errmsg, address) => {
    expect(classify(40164, 'fetch', errmsg).advice).toBe(
      `Add ${address} to the IP allow list of the account in the WeChat console; it takes effect after some minutes. If this service leaves by several addresses, add each.`,
    );
  });
});

describe('the table', () => {
  it('has no two rows for the same errcode and call', () => {
    for (const call of ['fetch', 'api']) {
      const codes = errcodeTable
        .filter((row) => row.call === undefined || row.call === call)
        .map(({ errcode }) => errcode);
      expect(codes).toEqual([...new Set(codes)]);
    }
  });

  it('says in each row what it means, what to do, why it is in its class and what it says of a token', () => {
    for (const row of errcodeTable) {
      const texts = [row.meaning, row.advice, row.reason, row.token[1]];
      expect(texts.filter((text) => text.length < 10)).toEqual([]);
    }
  });

  it('takes a token for alive where WeChat looked beyond it, and for dead where it is refused; nowhere else', () => {
    const codesOf = (verdict: TokenVerdict): number[] =>
      errcodeTable.filter(({ token: [is] }) => is === verdict).map(({ errcode }) => errcode);
    expect(codesOf('alive')).toEqual([48004, 48001, 61007]);
    expect(codesOf('dead')).toEqual([40001, 40014, 42001]);
    for (const { failureClass, token } of errcodeTable) {
      expect(token[0] === 'dead').toBe(failureClass === 'dead_credential');
    }
  });
});
