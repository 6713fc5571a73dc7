import { describe, expect, it } from '@jest/globals';
import { errcodeClass, outcomeOf, type CallEnding } from './gateway-outcome.js';

describe('the outcome of a call', () => {
  it.each<[CallEnding, string]>([
    [{ status: 200, errcode: 0 }, 'ok'],
    [{ status: 200 }, 'ok'],
    [{ status: 302 }, 'ok'],
    [{ status: 200, errcode: 40164 }, 'errcode:40164'],
    [{ status: 412 }, 'status:412'],
    [{ status: 500, errcode: -1 }, 'errcode:-1'],
    [{ status: 200, errcode: 45009, isHeld: true }, 'held'],
    [{ failure: { code: 'gateway_refused' } }, 'refused:gateway_refused'],
    [{ failure: { code: 'rate_limited' } }, 'refused:rate_limited'],
    [{ failure: { code: 'wechat_timeout' } }, 'failed:wechat_timeout'],
    [{ failure: { code: 'token_unavailable' } }, 'failed:token_unavailable'],
    [{ failure: { code: 'wechat_timeout' }, isCut: true }, 'cut'],
    [{ status: 200, errcode: 0, isCut: true }, 'cut'],
  ])('%j is %s', (ending, outcome) => {
    expect(outcomeOf(ending)).toBe(outcome);
  });
});

it.each([
  [undefined, 'ok'],
  [0, 'ok'],
  [40001, 'token'],
  [42001, 'token'],
  [45011, 'quota'],
  [43101, 'other'],
  [-1, 'other'],
] as const)('the class of errcode %s is %s', (errcode, known) => {
  expect(errcodeClass(errcode)).toBe(known);
});
