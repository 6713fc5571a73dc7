import { describe, expect, it } from '@jest/globals';
import { filled, responseTemplate } from './response-template.js';

describe('the template of an answer', () => {
  it.each(['84_abc', 'with "quotes" and \\', 'd\u00e9j\u00e0 \u4ee4\u724c \u{1f6cd}'])(
    'gives JSON of known length: %s',
    (value) => {
      const expiresAt = '2026-01-01T02:00:00.000Z';
      const template = responseTemplate({
        appId: 'wx1',
        kind: 'access_token',
        value,
        expiresAt,
        version: 7,
      });
      const text = filled(template, 7_199, 60);
      expect(JSON.parse(text)).toEqual({
        app_id: 'wx1',
        access_token: value,
        expires_in: 7_199,
        expires_at: expiresAt,
        version: 7,
        cache_for: 60,
      });
      expect(text.length + template.extraBytes).toBe(Buffer.byteLength(text));
    },
  );
});
