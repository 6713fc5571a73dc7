import { describe, expect, it } from '@jest/globals';
import { gatewayRuleProblem, parseGatewayRule } from './gateway-rule.js';

describe('a rule of the gateway', () => {
  it.each([
    ['POST /cgi-bin/draft/add', 'POST', ['cgi-bin', 'draft', 'add']],
    ['POST /cgi-bin/draft/*', 'POST', ['cgi-bin', 'draft', '*']],
    ['GET /cgi-bin/*/get', 'GET', ['cgi-bin', '*', 'get']],
    ['* /wxa/getwxacode', '*', ['wxa', 'getwxacode']],
    ['* /*', '*', ['*']],
    ['HEAD /a', 'HEAD', ['a']],
    ['GET /cgi-bin/%E4%BD%A0', 'GET', ['cgi-bin', '%E4%BD%A0']],
    ["GET /A-Z.a_z~/!$&'()+,=:@", 'GET', ['A-Z.a_z~', "!$&'()+,=:@"]],
    [`GET /${'x'.repeat(295)}`, 'GET', ['x'.repeat(295)]],
  ])('%s is a method and segments', (text, method, segments) => {
    expect(parseGatewayRule(text)).toEqual({ kind: 'call', text, method, segments });
    expect(gatewayRuleProblem(text)).toBeUndefined();
  });

  it.each(['@drafts-and-media', '@everything-but-secrets'])('%s is a preset', (text) => {
    expect(parseGatewayRule(text)).toEqual({ kind: 'preset', preset: text });
    expect(gatewayRuleProblem(text)).toBeUndefined();
  });

  const METHODS = 'the method must be one of GET, HEAD, POST, PUT, PATCH, DELETE, *';
  const FORM =
    'must be a rule such as "POST /cgi-bin/draft/*", or a preset such as "@drafts-and-media"';
  const PRESET = expect.stringMatching(/^there is no such preset; use one of @drafts-and-media, @/);

  it.each([
    ['', FORM],
    ['*', FORM],
    ['/cgi-bin/draft/add', FORM],
    ['POST', FORM],
    ['POST ', FORM],
    ['POST  /a', FORM],
    [' POST /a', FORM],
    ['POST /a ', FORM],
    ['POST /a\n', FORM],
    ['POST\t/a', FORM],
    ['POST /a /b', FORM],
    ['@', PRESET],
    ['@Drafts-and-media', PRESET],
    ['@drafts and media', PRESET],
    ['@drafts', PRESET],
    ['@drafts-and-media\n', PRESET],
    ['post /a', METHODS],
    ['PSOT /a', METHODS],
    ['TRACE /a', METHODS],
    ['POST* /a', METHODS],
    ['POST cgi-bin/draft/add', 'the path must begin with /'],
    ['POST https://api.weixin.qq.com/a', 'the path must begin with /'],
    ['POST *', 'the path must begin with /'],
    [
      'POST /cgi-bin/draft*',
      'the path has a * beside other characters; a * is a whole segment, as in /cgi-bin/draft/*',
    ],
    [
      'POST /**',
      'the path has a * beside other characters; a * is a whole segment, as in /cgi-bin/draft/*',
    ],
    ['POST /', 'the path must not end with /'],
    ['POST /cgi-bin/draft/', 'the path must not end with /'],
    ['POST //cgi-bin', 'the path has two slashes in a row; write one'],
    ['POST /cgi-bin/../wxa', 'the path has a segment "." or ".."; write the path that is meant'],
    [
      'GET /cgi-bin/media/get?media_id=1',
      'the path must not contain ?; leave the query and the fragment out',
    ],
    ['GET /a#b', 'the path must not contain #; leave the query and the fragment out'],
    ['GET /a;b', 'the path must not contain the character U+003B'],
    ['GET /a\\b', 'the path must not contain the character U+005C'],
    ['GET /草稿', 'the path must not contain the character U+8349'],
    ['GET /a\u0000', 'the path must not contain the character U+0000'],
    ['GET /%74oken', 'the path encodes an ASCII character (%74); write it as it is'],
    ['GET /%', 'the path has a % without two hexadecimal digits behind it'],
    ['GET /%c0%ae', 'the path encodes bytes that are not UTF-8, or control characters'],
    [`GET /${'x'.repeat(296)}`, 'must have 300 characters at most'],
  ])('%j is refused, and the reason says what to write', (text, problem) => {
    expect(gatewayRuleProblem(text)).toEqual(problem);
    expect(parseGatewayRule(text)).toBeUndefined();
  });
});
