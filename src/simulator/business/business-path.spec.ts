import { describe, expect, it } from '@jest/globals';
import { isBusinessPath } from './business-path.js';

describe('a path of an ordinary call', () => {
  it.each([
    ['/cgi-bin/menu/create', true],
    ['/wxa/business/getuserphonenumber', true],
    ['/wxaapi/newtmpl/gettemplate', true],
    ['/xpay/query_user_balance', true],
    ['/', false],
    ['/cgi-bin', false],
    ['/cgi-bin/', false],
    ['//cgi-bin/menu/create', false],
    ['/sns/userinfo', false],
    ['/wxamp/x', false],
    ['/redirected', false],
  ])('%s: %s', (path, isOne) => {
    expect(isBusinessPath(path)).toBe(isOne);
  });
});
