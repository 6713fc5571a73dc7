import { Injectable } from '@nestjs/common';
import type { Client, GatewayRights } from '../../access/client-directory.js';
import { RequestLimit, type Excess } from '../../access/request-limit.js';
import { Clock } from '../../time/clock.js';
import { PRESET_RULES } from './gateway-presets.js';
import {
  compileGatewayRules,
  decideGatewayCall,
  type GatewayDecision,
  type GatewayRuleSet,
} from './gateway-rules.js';
import { QuotaBreaker } from './quota-breaker.js';

/** Whether a call may go to WeChat: the limit of its client, its rules, and the quotas that are known to be used up. */
@Injectable()
export class AdmissionService {
  /** Of calls to each path, as WeChat told of it. */
  readonly quotas: QuotaBreaker;
  private readonly limit: RequestLimit;
  /** Compiled once for each state of a client. */
  private readonly compiled = new WeakMap<GatewayRights, GatewayRuleSet>();

  constructor(clock: Clock) {
    this.quotas = new QuotaBreaker(clock);
    this.limit = new RequestLimit(0, clock);
  }

  /** Counts a call. @returns what is past the limit of the client; undefined within it */
  count({ id, gateway }: Client): Excess | undefined {
    return this.limit.take(id, gateway.perMinute);
  }

  /** @param path as it came */
  decide({ gateway }: Pick<Client, 'gateway'>, method: string, path: string): GatewayDecision {
    const rules = this.compiled.get(gateway) ?? compileGatewayRules(gateway.allow, PRESET_RULES);
    this.compiled.set(gateway, rules);
    return decideGatewayCall(rules, method, path);
  }
}
