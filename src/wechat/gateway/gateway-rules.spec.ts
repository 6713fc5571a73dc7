import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { posix } from 'node:path';
import { PRESET_RULES } from './gateway-presets.js';
import {
  compileGatewayRules,
  decideGatewayCall,
  LOGIN_PATHS,
  type GatewayDecision,
} from './gateway-rules.js';

function decide(allow: readonly string[], method: string, path: string): GatewayDecision {
  return decideGatewayCall(compileGatewayRules(allow, PRESET_RULES), method, path);
}

const EVERYTHING = ['@everything-but-secrets'];

describe('a call that a rule allows', () => {
  it.each([
    [['POST /cgi-bin/draft/add'], 'POST /cgi-bin/draft/add', 'POST /cgi-bin/draft/add'],
    [['POST /cgi-bin/draft/*'], 'POST /cgi-bin/draft/add', 'POST /cgi-bin/draft/*'],
    [['POST /cgi-bin/*'], 'POST /cgi-bin/draft/add', 'POST /cgi-bin/*'],
    [['GET /cgi-bin/*/get'], 'GET /cgi-bin/media/get', 'GET /cgi-bin/*/get'],
    [['GET /*/*/get'], 'GET /cgi-bin/media/get', 'GET /*/*/get'],
    [['* /wxa/getwxacode'], 'POST /wxa/getwxacode', '* /wxa/getwxacode'],
    [['* /wxa/*'], 'DELETE /wxa/a/b/c', '* /wxa/*'],
    [['* /*'], 'HEAD /a', '* /*'],
    [EVERYTHING, 'POST /cgi-bin/draft/add', '@everything-but-secrets'],
    [['GET /a/%E4%BD%A0'], 'GET /a/%E4%BD%A0', 'GET /a/%E4%BD%A0'],
    [['GET /a/*'], 'GET /a/%e4%bd%a0', 'GET /a/*'],
    // An exact rule names the call before a pattern does, and among equals the first of the list.
    [['POST /a/*', 'POST /a/b'], 'POST /a/b', 'POST /a/b'],
    [['* /a/b', 'POST /a/b'], 'POST /a/b', '* /a/b'],
    [['POST /a/*', '* /a/*'], 'POST /a/b', 'POST /a/*'],
    [['GET /a', ...EVERYTHING], 'GET /b', '@everything-but-secrets'],
    [['@drafts-and-media'], 'POST /cgi-bin/draft/add', '@drafts-and-media'],
    [['* /*', '@drafts-and-media'], 'POST /cgi-bin/draft/add', '@drafts-and-media'],
    [['POST /sns/*'], 'POST /sns/userinfo', 'POST /sns/*'],
    [['POST /cgi-bin/openapi/*'], 'POST /cgi-bin/openapi/quota/get', 'POST /cgi-bin/openapi/*'],
  ])('by %j: %s', (allow, call, rule) => {
    const [method = '', path = ''] = call.split(' ');
    expect(decide(allow, method, path)).toEqual({ allowed: true, rule });
  });
});

describe('a call that no rule allows', () => {
  it.each([
    [[], 'POST /cgi-bin/draft/add'],
    [['POST /cgi-bin/draft/add'], 'GET /cgi-bin/draft/add'],
    [['POST /cgi-bin/draft/add'], 'POST /cgi-bin/draft/add/x'],
    [['POST /cgi-bin/draft/add'], 'POST /cgi-bin/draft'],
    [['POST /cgi-bin/draft/add'], 'POST /cgi-bin/draft/addx'],
    [['POST /cgi-bin/draft/add'], 'POST /cgi-bin/Draft/add'],
    [['POST /cgi-bin/draft/*'], 'POST /cgi-bin/draft'],
    [['POST /cgi-bin/draft/*'], 'POST /cgi-bin/drafts/add'],
    [['GET /cgi-bin/*/get'], 'GET /cgi-bin/get'],
    [['GET /cgi-bin/*/get'], 'GET /cgi-bin/a/b/get'],
    [['GET /a/%E4%BD%A0'], 'GET /a/%e4%bd%a0'],
    [['GET /a/%E4%BD%A0'], 'GET /a/%E4%BD%A1'],
    // What is no rule, or no preset, allows nothing.
    [['POST', '/cgi-bin/draft/add', '*', 'post /a', '@nobody', '@'], 'POST /a'],
  ])('by %j: %s, is refused and names the rule that would', (allow, call) => {
    const [method = '', path = ''] = call.split(' ');
    expect(decide(allow, method, path)).toEqual({
      allowed: false,
      reason: 'no_rule',
      detail: `No rule of this client allows it. To allow it, add "${call}" to gateway.allow of the client.`,
      wouldAllow: call,
    });
    expect(decide([call], method, path)).toEqual({ allowed: true, rule: call });
  });

  it.each([
    ['a long path', `/cgi-bin/${'x'.repeat(192)}`],
    ['a key in the path', `/cgi-bin/wtc_${'0'.repeat(40)}`],
    ['a token in the path', '/cgi-bin/access_token=84_abc'],
  ])('with %s is not quoted', (_what, path) => {
    expect(decide([], 'GET', path)).toEqual({
      allowed: false,
      reason: 'no_rule',
      detail: 'No rule of this client allows it. See gateway.allow of the client.',
    });
    expect(decide(['* /*'], 'GET', path)).toEqual({ allowed: true, rule: '* /*' });
  });

  it.each(['TRACE', 'OPTIONS', 'CONNECT', 'get', '', '*', '@everything-but-secrets'])(
    'with the method %j is refused whatever the rules',
    (method) => {
      expect(decide(['* /*', ...EVERYTHING], method, '/a')).toEqual({
        allowed: false,
        reason: 'no_rule',
        detail: 'The method must be one of GET, HEAD, POST, PUT, PATCH, DELETE.',
      });
    },
  );
});

describe('what is never passed', () => {
  const EVERY_RULE = ['* /*', 'GET /cgi-bin/token', '* /cgi-bin/*', '* /sns/*', ...EVERYTHING];

  it.each([
    '/cgi-bin/token',
    '/cgi-bin/stable_token',
    '/cgi-bin/ticket/getticket',
    '/cgi-bin/clear_quota',
    '/cgi-bin/clear_quota/v2',
    '/cgi-bin/clear_quota_v3',
    '/cgi-bin/openapi/rid/get',
    '/cgi-bin/component/api_component_token',
    '/cgi-bin/component',
    '/wxa/component/anything',
    '/sns/component/jscode2session',
    '/sns/oauth2/component/access_token',
    '/component/x',
    ...LOGIN_PATHS,
  ])('%s, in any case and with a slash at the end', (path) => {
    const upper = path.toUpperCase();
    const mixed = path.replace(/[a-z]/, (letter) => letter.toUpperCase());
    for (const spelled of [path, `${path}/`, upper, `${upper}/`, mixed]) {
      for (const method of ['GET', 'POST', 'TRACE']) {
        const exactly = `${method} ${spelled}`;
        const decision = decide([...EVERY_RULE, exactly], method, spelled);
        expect([spelled, decision]).toEqual([
          spelled,
          { allowed: false, reason: 'never_passed', detail: expect.stringMatching(/^[A-Z].+\.$/) },
        ]);
      }
    }
  });

  it.each(LOGIN_PATHS)('%s says which scope it takes', (path) => {
    expect(decide(EVERY_RULE, 'GET', path)).toMatchObject({
      detail:
        'It needs the AppSecret, so rules do not pass it. A client with the scope login may call it with GET.',
    });
  });

  it.each([
    '/cgi-bin/tokens',
    '/cgi-bin/token/x',
    '/cgi-bin/ticket/getticket2',
    '/cgi-bin/openapi/rid',
    '/cgi-bin/components/x',
    '/cgi-bin/xcomponent',
    '/sns/jscode2session2',
    '/sns/oauth2/refresh_token',
    '/x/cgi-bin/token',
  ])('but not %s', (path) => {
    expect(decide(['* /*'], 'GET', path)).toEqual({ allowed: true, rule: '* /*' });
  });
});

describe('a path that WeChat may read in another way', () => {
  it.each([
    [
      '/cgi-bin/draft/../token',
      'The path has a segment "." or ".."; write the path that is meant.',
    ],
    ['/cgi-bin//token', 'The path has two slashes in a row; write one.'],
    ['/cgi-bin/%74oken', 'The path encodes an ASCII character (%74); write it as it is.'],
    ['cgi-bin/draft/add', 'The path must begin with /.'],
    ['', 'The path must begin with /.'],
    ['/', 'The path must not end with /.'],
    ['/cgi-bin/draft/add/', 'The path must not end with /.'],
  ])('%j is refused whatever the rules', (path, detail) => {
    const allow = ['* /*', ...EVERYTHING, `GET ${path}`];
    expect(decide(allow, 'GET', path)).toEqual({ allowed: false, reason: 'bad_path', detail });
  });
});

/* What the rules mean, said a second time and in another way: with regular expressions, and Node's URLs and paths. */

const EVERY_CALL = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE) \/.+$/;
const SECRET =
  /^\/cgi-bin\/(?:token|stable_token|ticket\/getticket|openapi\/rid\/get|clear_quota.*)$|\/component(?:\/|$)|^\/sns\/(?:jscode2session|oauth2\/access_token)$/i;

function isPlain(path: string): boolean {
  if (!/^\/[!-~]*[!-.0-~]$/.test(path) || /\/\/|[;*|[\]^]|%[0-7]/.test(path)) {
    return false;
  }
  try {
    const decoded = decodeURIComponent(path);
    const { pathname } = new URL(`https://api.weixin.qq.com${path}`);
    // Node's URL leaves the dot of `/.a/b/.` where it is.
    const isItself = pathname === path && posix.normalize(path) === path;
    return isItself && !/[\u0080-\u009f]/.test(decoded) && path.length <= 1_024;
  } catch {
    return false;
  }
}

function meaningOf(rule: string): RegExp {
  if (rule.startsWith('@')) {
    return EVERY_CALL;
  }
  const [method = '', path = ''] = rule.split(' ');
  const source = path
    .replace(/[.+$()]/g, '\\$&')
    .replace(/\/\*$/, '/.+')
    .replaceAll('/*', '/[^/]+');
  return new RegExp(
    `^${method === '*' ? '(?:GET|HEAD|POST|PUT|PATCH|DELETE)' : method} ${source}$`,
  );
}

const RULE_SETS = [
  [],
  ['POST /cgi-bin/draft/add', 'GET /cgi-bin/user/info', '* /wxa/getwxacode'],
  ['POST /cgi-bin/draft/*', 'GET /cgi-bin/*/get', 'POST /*/*/send'],
  ['* /cgi-bin/*', 'GET /cgi-bin/token', 'GET /sns/jscode2session'],
  ['@everything-but-secrets'],
].map((allow) => ({
  allow,
  meanings: allow.map(meaningOf),
  compiled: compileGatewayRules(allow, PRESET_RULES),
}));

const SEEDS = [
  '/cgi-bin/draft/add',
  '/cgi-bin/user/info',
  '/cgi-bin/media/get',
  '/cgi-bin/message/send',
  '/wxa/getwxacode',
  '/cgi-bin/token',
  '/cgi-bin/stable_token',
  '/cgi-bin/ticket/getticket',
  '/cgi-bin/clear_quota/v2',
  '/cgi-bin/openapi/rid/get',
  '/cgi-bin/component/api_query_auth',
  '/sns/jscode2session',
  '/sns/oauth2/access_token',
  '/',
  '',
];
const PIECES = [
  ...[
    '.',
    '..',
    '/',
    '//',
    '/.',
    '/..',
    '/../',
    '/./',
    '\\',
    ';',
    '#',
    '?',
    '*',
    ' ',
    '\u0000',
    '\n',
  ],
  ...[
    '%2e',
    '%2E%2e',
    '%2f',
    '%5c',
    '%00',
    '%74',
    '%25',
    '%',
    '%e',
    '%c0%ae',
    '%e4%bd%a0',
    '%C2%85',
  ],
  ...[
    'é',
    '\uff0e',
    '\ud800',
    '|',
    '[',
    '"',
    '^',
    'a',
    'component/',
    '/get',
    'token',
    'http://a.cn',
  ],
];

type Change = (path: string, at: number) => string;
const CHANGES: readonly Change[] = [
  ...PIECES.map(
    (piece): Change =>
      (path, at) =>
        path.slice(0, at) + piece + path.slice(at),
  ),
  ...PIECES.map(
    (piece): Change =>
      (path) =>
        path + piece,
  ),
  (path, at) => path.slice(0, at) + path.slice(at + 1),
  (path, at) => path.slice(0, at) + path.slice(at, at + 1).toUpperCase() + path.slice(at + 1),
  (path, at) =>
    path.slice(0, at) +
    path
      .slice(at, at + 1)
      .replace(/[!-~]/, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`) +
    path.slice(at + 1),
  (path, at) => path.slice(at) + path.slice(0, at),
  (path) => path.toUpperCase(),
  (path) => path + path,
  (path) => `${path}/${'x'.repeat(1_000)}`,
];

const nearPath = fc
  .tuple(
    fc.constantFrom(...SEEDS),
    fc.array(fc.tuple(fc.nat(CHANGES.length - 1), fc.nat(40)), { maxLength: 3 }),
  )
  .map(([seed, changes]) =>
    changes.reduce((path, [change, at]) => CHANGES[change]!(path, Math.min(at, path.length)), seed),
  );
const nearMethod = fc.constantFrom(
  'GET',
  'POST',
  'POST',
  'HEAD',
  'DELETE',
  'get',
  'TRACE',
  '*',
  '',
);

describe('100,000 paths and methods near the rules', () => {
  it('pass exactly where an independent reading of the rules says so', () => {
    let allowed = 0;
    fc.assert(
      fc.property(nearMethod, nearPath, (method, path) => {
        const mayPass = isPlain(path) && !SECRET.test(path.replace(/\/$/, ''));
        for (const { allow, meanings, compiled } of RULE_SETS) {
          const decision = decideGatewayCall(compiled, method, path);
          const call = `${method} ${path}`;
          const expected = mayPass && meanings.some((meaning) => meaning.test(call));
          if (decision.allowed !== expected) {
            throw new Error(`${call}: ${JSON.stringify(decision)} by ${allow.join(', ')}`);
          }
          allowed += expected ? 1 : 0;
        }
      }),
      { numRuns: 100_000 },
    );
    // Else they would not be near.
    expect(allowed).toBeGreaterThan(10_000);
  });

  it('are allowed by the rule that their refusal names, and not told more than that', () => {
    fc.assert(
      fc.property(nearMethod, nearPath, (method, path) => {
        const decision = decide([], method, path);
        if (decision.allowed) {
          throw new Error('no rule allows nothing');
        }
        expect(decision.detail).toMatch(/^[ -~]{1,450}$/);
        if (decision.wouldAllow !== undefined) {
          expect(decision.wouldAllow).toBe(`${method} ${path}`);
          expect(decide([decision.wouldAllow], method, path).allowed).toBe(true);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
