import { expect, it } from '@jest/globals';
import { isExcludedFromProxy } from './no-proxy.js';

it.each<[string, string | undefined, boolean]>([
  ['https://api.weixin.qq.com', undefined, false],
  ['https://api.weixin.qq.com', '', false],
  ['https://api.weixin.qq.com', '*', true],
  ['https://api.weixin.qq.com', 'example.com, api.weixin.qq.com', true],
  ['https://api.weixin.qq.com', 'example.com API.WeiXin.qq.com', true],
  ['https://api.weixin.qq.com', 'qq.com', true],
  ['https://api.weixin.qq.com', '.qq.com', true],
  ['https://api.weixin.qq.com', '*.qq.com', true],
  ['https://api.weixin.qq.com', 'q.com', false],
  ['https://api.weixin.qq.com', 'api2.weixin.qq.com', false],
  ['https://api.weixin.qq.com', 'api.weixin.qq.com.example.com', false],
  ['https://api.weixin.qq.com', 'qq.com:443', true],
  ['https://api.weixin.qq.com', 'qq.com:8443', false],
  ['https://api.weixin.qq.com:8443', 'qq.com:8443', true],
  ['https://192.0.2.7', '192.0.2.7', true],
  ['https://[2001:db8::7]', '[2001:db8::7]', true],
])('%s with NO_PROXY=%s: %s', (url, noProxy, excluded) => {
  expect(isExcludedFromProxy(new URL(url), noProxy)).toBe(excluded);
});
