import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppConfig } from './app-config.js';
import { ConfigError } from './config.error.js';
import type { Environment } from './environment.js';
import { parseAppConfig } from './parse-app-config.js';

const KEY_BYTES = Buffer.from(
  '5f8e13c7a90b2d64f1e37c5a8b46d20917ac3e58bd60f4927e1d85c3ab094f01',
  'hex',
);
const OTHER_KEY_BYTES = Buffer.from(
  'c20a7d9f4e61b8350dfa92c6871e5b34e9f0a7163d8c52bf640e9b1d7a35c802',
  'hex',
);
const KEY = KEY_BYTES.toString('base64');
const OTHER_KEY = OTHER_KEY_BYTES.toString('base64');
const ADMIN_KEY = 'admin-Hq3vZk8TnWd0LxBf';
const CLIENT_KEY = 'client-Rm2cYp9UsJ5eGv4a';
const required = { ADMIN_API_KEY: ADMIN_KEY, ENCRYPTION_KEY: KEY };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const parse = (environment: Environment): AppConfig =>
  parseAppConfig({ ...required, ...environment });

function problemsOf(environment: Environment): readonly string[] {
  try {
    parseAppConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems;
    }
    throw error;
  }
  return [];
}

const problems = (environment: Environment): readonly string[] =>
  problemsOf({ ...required, ...environment });

describe('the defaults', () => {
  it('are those of the contract', () => {
    expect(parse({})).toEqual({
      http: { host: '127.0.0.1', port: 3000, tls: undefined, trustedProxies: [] },
      database: { kind: 'sqlite', path: './data/wechat-token-center.sqlite' },
      wechat: {
        baseUrls: ['https://api.weixin.qq.com', 'https://api2.weixin.qq.com'],
        timeoutMs: 5000,
        httpsProxy: undefined,
        noProxy: undefined,
      },
      account: undefined,
      keys: { admin: ADMIN_KEY, client: undefined },
      encryption: { current: KEY_BYTES, previous: [] },
      dropInEnabled: true,
      gateway: { enabled: true, maxBodyBytes: 104_857_600, timeoutMs: 30_000 },
      historyRetentionDays: 90,
      metrics: { host: '127.0.0.1', port: undefined },
      log: { level: 'info', format: 'json' },
    });
  });

  it('come as an AppConfig, so that Nest can inject it by class', () => {
    expect(parse({})).toBeInstanceOf(AppConfig);
  });

  it('stand in for empty values too', () => {
    expect(parse({ PORT: '', WECHAT_APP_ID: '', HTTPS_PROXY: '' })).toEqual(parse({}));
  });

  it('write logs for eyes on a terminal, unless told otherwise', () => {
    expect(parseAppConfig(required, true).log.format).toBe('pretty');
    expect(parseAppConfig({ ...required, LOG_FORMAT: 'json' }, true).log.format).toBe('json');
    expect(parseAppConfig({ ...required, LOG_FORMAT: 'pretty' }, false).log.format).toBe('pretty');
  });
});

it('takes every variable', () => {
  const certFile = file('cert.pem', 'certificate');
  const keyFile = file('key.pem', 'key');
  expect(
    parse({
      HOST: '::',
      PORT: '0',
      DATABASE_URL: 'postgresql://u:p%23@db:5432/tokens?ssl=true',
      WECHAT_APP_ID: 'wx0123456789abcdef',
      WECHAT_APP_SECRET: 'the-app-secret',
      WECHAT_TOKEN_MODE: 'legacy',
      WECHAT_API_BASE_URL: 'http://127.0.0.1:4000/, https://API.weixin.qq.com:443',
      WECHAT_TIMEOUT_MS: '12000',
      HTTPS_PROXY: 'http://me:p%40ss@proxy:3128/',
      NO_PROXY: 'api2.weixin.qq.com',
      CLIENT_API_KEY: CLIENT_KEY,
      ENCRYPTION_PREVIOUS_KEYS: `${OTHER_KEY}, ${KEY}`,
      DROP_IN_ENABLED: 'false',
      GATEWAY_ENABLED: 'false',
      GATEWAY_MAX_BODY_MB: '10',
      GATEWAY_TIMEOUT_MS: '60000',
      TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.7,2001:db8::/32',
      HISTORY_RETENTION_DAYS: '1',
      METRICS_HOST: 'localhost',
      METRICS_PORT: '9464',
      TLS_CERT_FILE: certFile,
      TLS_KEY_FILE: keyFile,
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'pretty',
      SOMETHING_ELSE: 'is ignored',
    }),
  ).toEqual({
    http: {
      host: '::',
      port: 0,
      tls: { certFile, keyFile },
      trustedProxies: ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'],
    },
    database: { kind: 'postgres', url: 'postgres://u:p%23@db:5432/tokens?ssl=true' },
    wechat: {
      baseUrls: ['http://127.0.0.1:4000', 'https://api.weixin.qq.com'],
      timeoutMs: 12000,
      httpsProxy: 'http://me:p%40ss@proxy:3128',
      noProxy: 'api2.weixin.qq.com',
    },
    account: { appId: 'wx0123456789abcdef', appSecret: 'the-app-secret', mode: 'legacy' },
    keys: { admin: ADMIN_KEY, client: CLIENT_KEY },
    encryption: {
      current: KEY_BYTES,
      previous: [OTHER_KEY_BYTES, KEY_BYTES],
    },
    dropInEnabled: false,
    gateway: { enabled: false, maxBodyBytes: 10_485_760, timeoutMs: 60_000 },
    historyRetentionDays: 1,
    metrics: { host: 'localhost', port: 9464 },
    log: { level: 'trace', format: 'pretty' },
  });
});

describe('databases', () => {
  it.each([
    ['sqlite:/var/lib/tokens.sqlite', { kind: 'sqlite', path: '/var/lib/tokens.sqlite' }],
    ['sqlite::memory:', { kind: 'sqlite', path: ':memory:' }],
    ['postgres://u@h/d', { kind: 'postgres', url: 'postgres://u@h/d' }],
    ['postgresql://u@h/d', { kind: 'postgres', url: 'postgres://u@h/d' }],
    ['mysql://u@h/d', { kind: 'mysql', url: 'mysql://u@h/d' }],
    ['mariadb://u@h/d', { kind: 'mysql', url: 'mysql://u@h/d' }],
  ])('%s is understood', (url, target) => {
    expect(parse({ DATABASE_URL: url }).database).toEqual(target);
  });
});

describe('a wrong value', () => {
  it.each<[string, string, string]>([
    ['HOST', 'http://127.0.0.1', 'is neither an IP address nor a host name'],
    ['HOST', '[::1]', 'is neither an IP address nor a host name'],
    ['PORT', '65536', 'is not a whole number from 0 to 65535'],
    ['PORT', '-1', 'is not a whole number from 0 to 65535'],
    ['PORT', '0x50', 'is not a whole number from 0 to 65535'],
    ['PORT', '3000.0', 'is not a whole number from 0 to 65535'],
    ['DATABASE_URL', 'sqlite:', 'is not the address of a database'],
    ['DATABASE_URL', 'oracle://u@h/d', 'is not the address of a database'],
    ['DATABASE_URL', 'postgres://u:p@h', 'is not the address of a database'],
    ['DATABASE_URL', 'postgres://u:50%off@h/d', 'is not the address of a database'],
    ['WECHAT_TOKEN_MODE', 'Stable', 'Write one of: stable, legacy'],
    ['WECHAT_API_BASE_URL', ',', 'holds no address'],
    ['WECHAT_API_BASE_URL', 'api.weixin.qq.com', 'is not an https:// address'],
    ['WECHAT_API_BASE_URL', 'ftp://api.weixin.qq.com', 'is not an https:// address'],
    ['WECHAT_API_BASE_URL', 'http://api.weixin.qq.com', 'is plain http:'],
    ['WECHAT_API_BASE_URL', 'http://127.0.0.1.example.com', 'is plain http:'],
    ['WECHAT_API_BASE_URL', 'http://localhost.example.com', 'is plain http:'],
    ['WECHAT_API_BASE_URL', 'http://[::2]', 'is plain http:'],
    ['WECHAT_API_BASE_URL', 'https://h/cgi-bin', 'has a path'],
    ['WECHAT_API_BASE_URL', 'https://h/?', 'has a path'],
    ['WECHAT_API_BASE_URL', 'https://u:p@h', 'holds a user name or a password'],
    ['WECHAT_API_BASE_URL', 'https://h,https://H:443/', 'entry 2 stands there twice'],
    ['WECHAT_TIMEOUT_MS', '99', 'is not a whole number from 100 to 12000'],
    ['WECHAT_TIMEOUT_MS', '12001', 'is not a whole number from 100 to 12000'],
    ['HTTPS_PROXY', 'socks5://proxy:1080', 'is not the address of an HTTP proxy'],
    ['HTTPS_PROXY', 'http://proxy:3128/path', 'is not the address of an HTTP proxy'],
    ['HTTPS_PROXY', 'http://me:50%off@proxy', 'is not the address of an HTTP proxy'],
    ['ADMIN_API_KEY', '123456789012345', 'is shorter than 16 characters'],
    ['ADMIN_API_KEY', 'with blanks 0123456789', 'holds a blank'],
    ['ADMIN_API_KEY', 'sécret-0123456789', 'holds a blank or a character outside printable ASCII'],
    ['ADMIN_API_KEY', 'wechat-admin-password-1', 'is easy to guess'],
    ['CLIENT_API_KEY', 'short', 'is shorter than 16 characters'],
    ['CLIENT_API_KEY', 'abcabcabcabcabcabc', 'is easy to guess'],
    ['ENCRYPTION_KEY', 'too-short', 'is not 32 bytes in base64'],
    ['ENCRYPTION_KEY', KEY.slice(0, -1), 'is not 32 bytes in base64'],
    ['ENCRYPTION_KEY', `${KEY.slice(0, 42)}F=`, 'is not 32 bytes in base64'],
    ['ENCRYPTION_KEY', Buffer.alloc(32).toString('base64'), 'is easy to guess'],
    ['ENCRYPTION_PREVIOUS_KEYS', `${KEY},nonsense`, 'entry 2 is not 32 bytes in base64'],
    ['ENCRYPTION_PREVIOUS_KEYS', ',', 'holds no key'],
    ['DROP_IN_ENABLED', 'yes', 'Write one of: true, false'],
    ['TRUSTED_PROXIES', '10.0.0.0/33', 'entry 1 is neither an IP address nor a CIDR'],
    ['TRUSTED_PROXIES', '10.0.0.1,10/8', 'entry 2 is neither an IP address nor a CIDR'],
    ['TRUSTED_PROXIES', 'proxy.example.com', 'entry 1 is neither an IP address nor a CIDR'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,0.0.0.0/0', 'trusts every public address'],
    ['TRUSTED_PROXIES', '::/0', 'trusts every public address'],
    ['TRUSTED_PROXIES', '0.0.0.0/1,128.0.0.0/1', 'trusts every public address'],
    ['TRUSTED_PROXIES', '::ffff:0:0/96', 'trusts every public address'],
    ['HISTORY_RETENTION_DAYS', '0', 'is not a whole number from 1 to 36500'],
    ['METRICS_PORT', 'x', 'is not a whole number from 0 to 65535'],
    ['METRICS_HOST', 'a b', 'is neither an IP address nor a host name'],
    ['LOG_LEVEL', 'verbose', 'Write one of: fatal, error, warn, info, debug, trace'],
    ['LOG_FORMAT', 'text', 'Write one of: json, pretty'],
  ])('%s=%s is refused by name', (name, value, words) => {
    const found = problems({ [name]: value });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(new RegExp(`^${name}: `));
    expect(found[0]).toContain(words);
  });

  it.each([
    'gh_0123456789ab',
    'wxAPPID',
    'wx0123456789ABCDEF',
    'wx0123456789abcde',
    'xwx0123456789abcdef',
  ])('the AppID %s is refused', (appId) => {
    expect(problems({ WECHAT_APP_ID: appId, WECHAT_APP_SECRET: 's' })).toEqual([
      'WECHAT_APP_ID: is not an AppID. An AppID is wx and 16 characters of 0-9 and a-f; the WeChat console shows it beside the AppSecret.',
    ]);
  });

  it('an AppSecret with a blank is refused', () => {
    expect(
      problems({ WECHAT_APP_ID: 'wx0123456789abcdef', WECHAT_APP_SECRET: 'half secret' }),
    ).toEqual([
      'WECHAT_APP_SECRET: holds a blank or a character outside printable ASCII. Copy the AppSecret again from the WeChat console.',
    ]);
  });

  it.each(['http://localhost:1', 'http://127.9.8.7:1', 'http://[::1]:1'])(
    'plain http is allowed for the loopback host %s',
    (url) => {
      expect(parse({ WECHAT_API_BASE_URL: url }).wechat.baseUrls).toEqual([url]);
    },
  );

  it('a proxy without a scheme is an http proxy', () => {
    expect(parse({ HTTPS_PROXY: 'proxy.example:3128' }).wechat.httpsProxy).toBe(
      'http://proxy.example:3128',
    );
  });
});

describe('variables that belong together', () => {
  it.each([
    ['WECHAT_APP_ID', 'wx0123456789abcdef', 'WECHAT_APP_SECRET'],
    ['WECHAT_APP_SECRET', 'secret', 'WECHAT_APP_ID'],
  ])('%s alone is a problem of the other', (name, value, other) => {
    expect(problems({ [name]: value })).toEqual([
      `${other}: is not set, though ${name} is. Set both or neither.`,
    ]);
  });

  it.each([
    ['TLS_CERT_FILE', 'TLS_KEY_FILE'],
    ['TLS_KEY_FILE', 'TLS_CERT_FILE'],
  ])('%s alone is a problem of the other', (name, other) => {
    expect(problems({ [name]: file('one.pem', 'x') })).toEqual([
      `${other}: is not set, though ${name} is. Set both or neither.`,
    ]);
  });

  it('a TLS file that cannot be read is a problem', () => {
    expect(
      problems({ TLS_CERT_FILE: join(folder, 'none.pem'), TLS_KEY_FILE: file('k.pem', 'x') }),
    ).toEqual([
      'TLS_CERT_FILE: names a file that cannot be read. Check its path and its permissions.',
    ]);
  });

  it('a client key that is the admin key is a problem', () => {
    expect(problems({ CLIENT_API_KEY: required.ADMIN_API_KEY })).toEqual([
      'CLIENT_API_KEY: is the same as ADMIN_API_KEY. Give clients a key of their own.',
    ]);
  });

  it.each(['ADMIN_API_KEY', 'CLIENT_API_KEY'])(
    'the encryption key as %s is a problem, since it would travel in requests',
    (name) => {
      expect(problems({ [name]: KEY })).toEqual([
        `${name}: is the same as ENCRYPTION_KEY. Make a key of its own for each.`,
      ]);
    },
  );

  it('a weak encryption key is still read with, so that it can be replaced', () => {
    const weak = Buffer.alloc(32).toString('base64');
    expect(parse({ ENCRYPTION_PREVIOUS_KEYS: weak }).encryption.previous).toEqual([
      Buffer.alloc(32),
    ]);
  });

  it('one port for both listeners is a problem, save for 0', () => {
    expect(problems({ PORT: '9000', METRICS_PORT: '9000' })).toEqual([
      'METRICS_PORT: is the same as PORT. Choose another port.',
    ]);
    expect(problems({ PORT: '0', METRICS_PORT: '0' })).toEqual([]);
    expect(problems({ PORT: '9000', METRICS_PORT: '9000', METRICS_HOST: '::1' })).toHaveLength(1);
    expect(problems({ PORT: '9000', METRICS_PORT: '9001' })).toEqual([]);
  });
});

describe('the file form of a secret', () => {
  it.each([
    ['ADMIN_API_KEY', 'file-Hq3vZk8TnWd0LxBf', (c: AppConfig) => c.keys.admin],
    ['CLIENT_API_KEY', CLIENT_KEY, (c: AppConfig) => c.keys.client],
    ['ENCRYPTION_KEY', OTHER_KEY, (c: AppConfig) => c.encryption.current.toString('base64')],
    [
      'ENCRYPTION_PREVIOUS_KEYS',
      OTHER_KEY,
      (c: AppConfig) => c.encryption.previous[0]?.toString('base64'),
    ],
    ['HTTPS_PROXY', 'http://u:p@proxy:3128', (c: AppConfig) => c.wechat.httpsProxy],
    [
      'DATABASE_URL',
      'mysql://u:p@h/d',
      (c: AppConfig) => (c.database.kind === 'sqlite' ? c.database.path : c.database.url),
    ],
  ])('%s_FILE gives its value without the newline at the end', (name, value, read) => {
    const environment = { ...required, [name]: '', [`${name}_FILE`]: file(name, `${value}\r\n\n`) };
    expect(read(parseAppConfig(environment))).toBe(value);
  });

  it('works for the AppSecret', () => {
    const config = parse({
      WECHAT_APP_ID: 'wx0123456789abcdef',
      WECHAT_APP_SECRET_FILE: file('secret', 'the-app-secret\n'),
    });
    expect(config.account?.appSecret).toBe('the-app-secret');
  });

  it('beside the plain form is a problem', () => {
    expect(problems({ ADMIN_API_KEY_FILE: file('both', 'x') })).toEqual([
      'ADMIN_API_KEY: is set, and so is ADMIN_API_KEY_FILE. Keep one of the two.',
    ]);
  });

  it('that cannot be read, or is empty, is a problem of that variable and the only one', () => {
    expect(
      problemsOf({
        ADMIN_API_KEY_FILE: join(folder, 'missing'),
        ENCRYPTION_KEY_FILE: file('empty', '\n'),
        WECHAT_APP_ID: 'wx0123456789abcdef',
        WECHAT_APP_SECRET_FILE: folder,
      }),
    ).toEqual([
      'WECHAT_APP_SECRET: the file that WECHAT_APP_SECRET_FILE names cannot be read (EISDIR). Check its path and its permissions.',
      'ADMIN_API_KEY: the file that ADMIN_API_KEY_FILE names cannot be read (ENOENT). Check its path and its permissions.',
      'ENCRYPTION_KEY: the file that ENCRYPTION_KEY_FILE names is empty. Write the value into it.',
    ]);
  });
});

describe('the error', () => {
  const environment = {
    PORT: 'port-value-123',
    ADMIN_API_KEY: 'short-admin',
    CLIENT_API_KEY: 'client key with blanks',
    ENCRYPTION_KEY: 'not-a-key-value',
    ENCRYPTION_PREVIOUS_KEYS: 'previous-value',
    WECHAT_APP_SECRET: 'app secret value',
    DATABASE_URL: 'postgres://u:db-password@host',
    HTTPS_PROXY: 'ftp://u:proxy-password@host',
    TLS_CERT_FILE: '/no/such/cert',
  };

  it('lists every problem at once, by name', () => {
    expect(problemsOf(environment).map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'DATABASE_URL',
      'WECHAT_APP_SECRET',
      'HTTPS_PROXY',
      'ADMIN_API_KEY',
      'CLIENT_API_KEY',
      'ENCRYPTION_KEY',
      'ENCRYPTION_PREVIOUS_KEYS',
      'TLS_CERT_FILE',
      'WECHAT_APP_ID',
      'TLS_KEY_FILE',
    ]);
  });

  it('says how to make the required keys when there are none', () => {
    expect(new ConfigError(problemsOf({})).message).toBe(
      [
        'The configuration is wrong. Each variable is explained in docs/configuration.md.',
        '  ADMIN_API_KEY: is not set. Set it, or ADMIN_API_KEY_FILE: a random text of 16 characters or more, such as `openssl rand -hex 24` prints.',
        '  ENCRYPTION_KEY: is not set. Set it, or ENCRYPTION_KEY_FILE: 32 random bytes in base64, as `openssl rand -base64 32` prints them. Keep a copy: without it the database cannot be read.',
      ].join('\n'),
    );
  });

  it('holds no value', () => {
    const message = problemsOf(environment).join('\n');
    for (const value of Object.values(environment)) {
      expect(message).not.toContain(value);
    }
    expect(message).not.toMatch(/db-password|proxy-password/);
  });
});

it('names a variable that was mistyped beside the problem that it causes, without its value', () => {
  expect(problemsOf({ ADMIN_API_KEY: required.ADMIN_API_KEY, ENCRYPION_KEY: KEY })).toEqual([
    expect.stringMatching(/^ENCRYPTION_KEY: is not set/),
    'ENCRYPION_KEY: is not a variable of this service and is ignored. Did you mean ENCRYPTION_KEY?',
  ]);
});
