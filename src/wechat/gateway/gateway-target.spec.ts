import { describe, expect, it } from '@jest/globals';
import {
  parametersOf,
  targetByHandle,
  targetByKey,
  untouched,
  withAccessToken,
  withParameter,
} from './gateway-target.js';

describe('the target of a call by key', () => {
  it.each([
    ['/v1/accounts/wx1/gateway/cgi-bin/draft/add', '/cgi-bin/draft/add', ''],
    ['/v1/accounts/wx1/gateway/wxa/x?a=1&b=%20', '/wxa/x', 'a=1&b=%20'],
    ['/v1/accounts/wx1/gateway/x?a=?b', '/x', 'a=?b'],
    ['http://host/v1/accounts/wx1/gateway/x?y', '/x', 'y'],
    ['/v1/accounts/wx1/gateway//x', '//x', ''],
    ['/v1/accounts/wx1/gateway/', '/', ''],
  ])('%s', (url, path, query) => {
    expect(targetByKey(url)).toEqual({ path, query });
  });

  it.each([
    '/v1/accounts/wx1/gateway',
    '/v1/accounts/wx1/gatewayx/y',
    '/%761/accounts/a/gateway/b',
  ])('is none: %s', (url) => {
    expect(targetByKey(url)).toBeUndefined();
  });
});

describe('the target of a call by handle', () => {
  it.each([
    ['/cgi-bin/draft/add?a=1', '/cgi-bin/draft/add', 'a=1'],
    ['//cgi-bin/draft/add', '/cgi-bin/draft/add', ''],
    ['/cgi-bin/draft/add/?a=1', '/cgi-bin/draft/add', 'a=1'],
    ['/cgi-bin//draft', '/cgi-bin//draft', ''],
    ['http://host/wxa/x?y', '/wxa/x', 'y'],
    ['http://host?y', '', 'y'],
    ['/', '/', ''],
  ])('%s', (url, path, query) => {
    expect(targetByHandle(url)).toEqual({ path, query });
  });
});

describe('the access_token of a call', () => {
  it.each([
    ['', 'access_token=T'],
    ['access_token=old', 'access_token=T'],
    ['a=1', 'access_token=T&a=1'],
    ['a=1&access_token=x&b=2', 'access_token=T&a=1&b=2'],
    ['access_token=x&access_token=y', 'access_token=T'],
    ['%61ccess%5Ftoken=x&a=', 'access_token=T&a='],
    ['%61ccess_token=x&b=%zz', 'access_token=T&b=%zz'],
    ['access_token%=x', 'access_token=T&access_token%=x'],
    ['access_token', 'access_token=T'],
    ['b=2&a=1&&b=&a=%E4%BD%A0+x', 'access_token=T&b=2&a=1&&b=&a=%E4%BD%A0+x'],
    ['Access_Token=x', 'access_token=T&Access_Token=x'],
    ['component_access_token=x', 'access_token=T&component_access_token=x'],
  ])('of ?%s', (query, sent) => {
    expect(withAccessToken({ path: '/x', query }, 'T')).toBe(`/x?${sent}`);
  });

  it('is encoded where it has to be', () => {
    expect(withAccessToken({ path: '/x', query: '' }, 'a+b&c')).toBe('/x?access_token=a%2Bb%26c');
  });
});

it('a parameter is replaced where it stands, and found however it is written', () => {
  const target = { path: '/sns/jscode2session', query: 'appid=wx1&s%65cret=k%2B1&js_code=c' };
  expect(parametersOf(target, 'secret')).toEqual(['k+1']);
  expect(parametersOf(target, 'none')).toEqual([]);
  expect(withParameter(target, 'secret', 's/1')).toBe(
    '/sns/jscode2session?appid=wx1&secret=s%2F1&js_code=c',
  );
  expect(untouched(target)).toBe('/sns/jscode2session?appid=wx1&s%65cret=k%2B1&js_code=c');
  expect(untouched({ path: '/x', query: '' })).toBe('/x');
});
