import { beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { speakPlainly } from '../errors/plain-words.js';
import { auditActions, auditOutcomePattern, declareAuditAction } from './audit-action.js';
import { AuditQueryFields } from './audit.dto.js';
import { markAudited } from './audited-action.js';

beforeAll(() => {
  speakPlainly();
  declareAuditAction('parcel.send', ['sent', 'still_waiting', 'errcode:<code>', 'failed:<code>']);
  markAudited('parcel.open');
});

describe('what a feature declares that it records', () => {
  it('is known, also by the decorator of a route', () => {
    expect(auditActions()).toEqual(['parcel.open', 'parcel.send']);
  });

  it.each([
    ['sent', true],
    ['still_waiting', true],
    ['errcode', true],
    ['errcode:45009', true],
    ['failed', true],
    ['failed:wechat_timeout', true],
    ['started', true],
    ['ok', true],
    ['refused:gateway_refused', true],
    ['lost', false],
    ['sent:away', false],
    ['started:now', false],
    ['failed:', false],
    ['failed:%', false],
    ['failed:Wechat', false],
    ['failed:wechat:timeout', false],
    [`failed:${'a'.repeat(41)}`, false],
    ['SENT', false],
    ['sent\n', false],
    ['', false],
  ])('the outcome %j may be asked for: %s', (outcome, isKnown) => {
    expect(auditOutcomePattern().test(outcome)).toBe(isKnown);
  });

  it.each([
    [{ action: 'parcel.send', outcome: 'errcode:45009' }, []],
    [{ action: 'parcel.lose' }, ['action: must be one of: parcel.open, parcel.send']],
    [{ outcome: 'sent:away' }, ['outcome: unknown outcome']],
  ])('the filter %j is checked', (query, problems) => {
    const { error } = AuditQueryFields.safeParse(query);
    const found = (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
    expect(found).toEqual(problems);
  });

  it('is documented', () => {
    const { properties } = z.toJSONSchema(AuditQueryFields, { io: 'input' });
    expect(properties).toMatchObject({
      action: { type: 'string', enum: ['parcel.open', 'parcel.send'] },
      outcome: { type: 'string', pattern: auditOutcomePattern().source },
    });
  });
});
