import { describe, expect, it } from '@jest/globals';
import { unknownVariables } from './unknown-variables.js';

const adviceOf = (environment: Record<string, string>): string[] =>
  unknownVariables(environment).map(({ advice }) => advice);

describe('unknown variables', () => {
  it.each([
    ['WECHAT_APPID', 'WECHAT_APP_ID'],
    ['WECHAT_APPSECRET', 'WECHAT_APP_SECRET'],
    ['ENCRYPION_KEY', 'ENCRYPTION_KEY'],
    ['ENCRYPTION_KEYS', 'ENCRYPTION_KEY'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['DATABSE_URL_FILE', 'DATABASE_URL_FILE'],
    ['ADMIN_APIKEY', 'ADMIN_API_KEY'],
    ['LOGLEVEL', 'LOG_LEVEL'],
  ])('%s: the one that is meant is named', (name, meant) => {
    expect(adviceOf({ [name]: 'canary' })).toEqual([
      `${name}: is not a variable of this service and is ignored. Did you mean ${meant}?`,
    ]);
  });

  it('a name that begins as ours do is told of, though none is close', () => {
    expect(adviceOf({ WECHAT_SECRET: 'canary' })).toEqual([
      'WECHAT_SECRET: is not a variable of this service and is ignored. docs/configuration.md lists them.',
    ]);
  });

  it('a file form that a variable does not have is told of', () => {
    expect(adviceOf({ PORT_FILE: '/run/port', WECHAT_APP_ID_FILE: '/run/id' })).toEqual([
      'PORT_FILE: is ignored: PORT has no file form. Set PORT.',
      'WECHAT_APP_ID_FILE: is ignored: WECHAT_APP_ID has no file form. Set WECHAT_APP_ID.',
    ]);
  });

  it('nothing is said of our own, of empty ones, and of what other programs read', () => {
    expect(
      adviceOf({
        WECHAT_APP_ID: 'wx',
        ENCRYPTION_KEY_FILE: '/run/key',
        WECHAT_APPID: '',
        HTTP_PROXY: 'http://proxy:3128',
        https_proxy: 'http://proxy:3128',
        no_proxy: 'localhost',
        POST: '1',
        DATABASE_HOST: 'db',
        NODE_ENV: 'production',
        PATH: '/usr/bin',
        LOGNAME: 'root',
        HOSTNAME: 'a',
        WECHAT_TOKEN_CENTER_URL: 'http://127.0.0.1:3000',
        WECHAT_TOKEN_CENTER_SERVICE_HOST: '10.0.0.1',
        WECHAT_TOKEN_CENTER_PORT_3000_TCP_ADDR: '10.0.0.1',
        WECHAT_SHOP_SERVICE_PORT_HTTP: '80',
      }),
    ).toEqual([]);
  });
});
