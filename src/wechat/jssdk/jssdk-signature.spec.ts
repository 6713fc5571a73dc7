import { describe, expect, it } from '@jest/globals';
import { isHostAllowed, jssdkSignature, withoutFragment } from './jssdk-signature.js';

describe('the signature of a page', () => {
  const signed = {
    ticket:
      'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg',
    nonceStr: 'Wm3WZYTPz0wzccnW',
    timestamp: 1_414_587_457,
  };

  /* Vectors that WeChat publishes, of two editions of its page. */
  it.each([
    ['http://mp.weixin.qq.com?params=value', '0f9de62fce790f9a083d5c99e95740ceb90c27ed'],
    ['http://mp.weixin.qq.com', 'f4d90daf4b3bca3078ab155816175ba34c443a7b'],
  ])('of %s is %s', (url, signature) => {
    expect(jssdkSignature({ ...signed, url })).toBe(signature);
  });

  it('is over the letters of the URL: what means the same and is written otherwise differs', () => {
    const ways = ['http://a.cn', 'http://a.cn/', 'http://A.cn', 'http://a.cn:80', 'http://a.cn?'];
    expect(new Set(ways.map((url) => jssdkSignature({ ...signed, url }))).size).toBe(ways.length);
  });
});

it.each([
  ['https://a.cn/p?q=1#top', 'https://a.cn/p?q=1'],
  ['https://a.cn/p#/route?x=1#y', 'https://a.cn/p'],
  ['https://a.cn/%E4%B8%AD?q=%20+&b=', 'https://a.cn/%E4%B8%AD?q=%20+&b='],
  ['HTTPS://A.cn:443/../x', 'HTTPS://A.cn:443/../x'],
])('%s without its fragment is %s', (url, cut) => {
  expect(withoutFragment(url)).toBe(cut);
});

describe('whether the host of a page is allowed', () => {
  it.each([
    [[], 'https://any.example/', true],
    [['shop.cn'], 'https://shop.cn/a', true],
    [['shop.cn'], 'http://SHOP.cn:8080/a', true],
    [['shop.cn'], 'https://www.shop.cn/', false],
    [['shop.cn'], 'https://shop.cn.evil.example/', false],
    [['shop.cn'], 'https://shop.cn@evil.example/', false],
    [['shop.cn'], 'https://evil.example/shop.cn', false],
    [['shop.cn'], 'https://evil.example\\@shop.cn/', false],
    [['*.shop.cn'], 'https://www.shop.cn/', true],
    [['*.shop.cn'], 'https://a.b.shop.cn/', true],
    [['*.shop.cn'], 'https://shop.cn/', false],
    [['*.shop.cn'], 'https://evilshop.cn/', false],
    [['shop.cn', 'mall.cn'], 'https://mall.cn', true],
  ])('of %j, that of %s: %p', (allowed, url, expected) => {
    expect(isHostAllowed(allowed, url)).toBe(expected);
  });
});
