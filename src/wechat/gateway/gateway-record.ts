import { Injectable } from '@nestjs/common';
import type { Client } from '../../access/client-directory.js';
import { declareAuditAction } from '../../audit/audit-action.js';
import { CallCounter } from '../../audit/call-counter.js';
import type { Origin } from '../../audit/origin.js';
import type { CallFacts } from './call-facts.js';
import { GatewayMetrics } from './gateway.metrics.js';
import { CALL_OUTCOMES, outcomeOf } from './gateway-outcome.js';

const ACTION = declareAuditAction('gateway.call', CALL_OUTCOMES);

/** What came of each call: metrics, and a count by the minute for the audit. No line of the log. */
@Injectable()
export class GatewayRecord {
  constructor(
    private readonly calls: CallCounter,
    private readonly metrics: GatewayMetrics,
  ) {}

  begin(appId: string, client: Client, origin: Origin): CallFacts {
    return {
      appId,
      client,
      origin,
      startedMs: performance.now(),
      rule: '-',
      upstreamMs: 0,
      sentBytes: 0,
      isHealed: false,
      isHeld: false,
      isCut: false,
    };
  }

  add(facts: CallFacts): void {
    const { appId, origin, rule } = facts;
    this.metrics.count(facts);
    this.calls.count({
      action: ACTION,
      appId,
      origin,
      target: rule,
      outcome: outcomeOf(facts),
    });
  }
}
