import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ERROR_STATUS, problemType } from './error-status.js';

const DOCUMENT = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
/** Rows such as "| `forbidden` | 403 | when | what to do |". */
const ROW = /^\| `(\w+)` \| (\d{3}) \| (.+?) \| (.+?) \|$/gm;

describe('the codes', () => {
  it('have the statuses of the contract', () => {
    const statuses = Object.fromEntries(
      Object.entries(ERROR_STATUS).map(([code, { status }]) => [code, status]),
    );
    expect(statuses).toEqual({
      validation_failed: 400,
      unauthenticated: 401,
      forbidden: 403,
      gateway_refused: 403,
      account_not_found: 404,
      not_found: 404,
      method_not_allowed: 405,
      account_exists: 409,
      length_required: 411,
      payload_too_large: 413,
      unsupported_media_type: 415,
      rate_limited: 429,
      force_refresh_limited: 429,
      internal_error: 500,
      wechat_error: 502,
      wechat_unreachable: 502,
      token_unavailable: 503,
      database_unavailable: 503,
      wechat_timeout: 504,
    });
  });

  it('and docs/errors.md name the same, each with its status, no other and none twice', () => {
    const documented = [...DOCUMENT.matchAll(ROW)].map(([, code, status]) => [
      code,
      Number(status),
    ]);
    const known = Object.entries(ERROR_STATUS).map(([code, { status }]) => [code, status]);
    expect(documented).toEqual(known);
  });

  it('have a type each, a reference relative to the service', () => {
    expect(problemType('token_unavailable')).toBe('/docs#token_unavailable');
  });
});
